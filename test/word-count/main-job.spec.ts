import { existsSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Snapshot } from 'millrace'
import { mdns } from 'millrace/registry/mdns'
import { filter, firstValueFrom } from 'rxjs'
import { describe, expect, it, vi } from 'vitest'
import { childrenOf, runOf, servicesOf } from './processes.js'
import { resultOf, runJob, startJob, type RunningJob } from './run-job.js'
import { tempFolder } from './temp-folder.js'

const LINUX = process.platform === 'linux'
const VOLATILE = '/proc/sys/kernel/random'
const PATIENCE = { timeout: 15_000, interval: 20 }

describe('main job', () => {
  it('counts two folders side by side, each by itself', async () => {
    const first = tempFolder({
      empty: '',
      'crlf.txt': 'One two\r\nTWO\r\n',
      '.hidden/.file': 'three\nno end',
      'bad name\n': Uint8Array.of(0x61, 0x0a, 0xff),
      long: `counted\n${'x'.repeat(1024 * 1024 + 1)}`,
      ties: 'ａ 𐐨 İ',
    })
    symlinkSync(first, join(first, 'loop'))
    const second = tempFolder({ 'a/b/c': 'word '.repeat(1000), 'a/d': 'word\n'.repeat(1000) })

    const [one, two] = await Promise.all([runJob('--json', first), runJob('--json', '--tokenizers', '1', second)])

    expect([one.code, two.code]).toEqual([0, 0])
    expect(resultOf(one)).toMatchObject({
      files: 4,
      lines: 5,
      words: 9,
      distinct: 8,
      top: [
        ['two', 2],
        ['end', 1],
        ['i\u0307', 1],
        ['no', 1],
        ['one', 1],
        ['three', 1],
        ['ａ', 1],
        ['𐐨', 1],
      ],
      unreadable: 2,
    })
    expect(resultOf(two)).toMatchObject({ files: 2, lines: 1001, words: 2000, top: [['word', 2000]], unreadable: 0 })
    expect(one.stderr.split('\n').toSorted()).toEqual([
      '',
      `unreadable: ${JSON.stringify(join(first, 'bad name\n'))}: line 2 (1 bytes) is not valid UTF-8`,
      `unreadable: ${JSON.stringify(join(first, 'long'))}: line 2 is 1048577 bytes long, at most 1048576`,
    ])
    expect(resultOf(two).peakInFlight).toBeGreaterThan(0)
  })

  it.runIf(LINUX)('registers each run under names of its own', async () => {
    const jobs = await Promise.all([jobAtWork(), jobAtWork()])
    const registry = mdns({ loopbackOnly: true })

    const found = await Promise.all(
      jobs.map(({ run }) => firstValueFrom(registry.watch(`tokenizer-${run}`).pipe(filter(hasNodes(2))))),
    )

    const addresses = found.flatMap(({ services }) => services.flatMap(({ nodes }) => nodes.map(node => node.address)))
    expect(new Set(addresses).size).toBe(4)
    expect(addresses).toHaveLength(4)
  })

  it('prints a table without --json', async () => {
    const { code, stdout } = await runJob(tempFolder({ file: 'to be or not to be' }))

    expect(code).toBe(0)
    expect(stdout).toMatch(/^ +1 {2}2 {2}be\n +2 {2}2 {2}to\n +3 {2}1 {2}not\n +4 {2}1 {2}or\n\n6 words, 4 different/)
  })

  it.runIf(existsSync(VOLATILE))('exits 1 with what differs when files change', async () => {
    const { code, stdout, stderr } = await runJob('--json', VOLATILE)

    expect(code).toBe(1)
    expect(stderr).toMatch(/^differs: .* with millrace, .* without$/m)
    expect(JSON.parse(stdout)).toMatchObject({ unreadable: 0 })
  })

  it('exits 2 with the usage when it is called wrongly', async () => {
    const { code, stdout, stderr } = await runJob('--json', '--tokenizers', '0')

    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^--tokenizers must be a whole number from 1 to 64, got "0"\n\nusage: npm start /)
  })

  it.runIf(LINUX)('ends every process on Ctrl-C', async () => {
    const job = await jobAtWork()
    const services = childrenOf(job.pid)

    process.kill(-job.pid, 'SIGINT')

    const { code, stderr } = await job.ended
    expect([code, services.length, servicesOf(job.run)]).toEqual([130, 4, []])
    expect(stderr).toMatch(/^unreadable: .*\n$/)
  })

  it.runIf(LINUX)('ends in order however often it is interrupted', async () => {
    const job = await jobAtWork()

    await vi.waitUntil(() => !interrupt(job.pid), { ...PATIENCE, interval: 1 })

    expect((await job.ended).code).toBe(130)
  })

  it.runIf(LINUX)('ends every process when the parent is killed', async () => {
    const job = await jobAtWork()

    process.kill(job.pid, 'SIGKILL')

    await vi.waitUntil(() => servicesOf(job.run).length === 0, PATIENCE)
  })

  it.runIf(LINUX)('ends every process when the parent is killed early', async () => {
    const started = startJob('--json', tempFolder({ file: 'x' }))
    const { pid, run } = await withServices(started)

    process.kill(pid, 'SIGKILL')

    await vi.waitUntil(() => servicesOf(run).length === 0, PATIENCE)
  })

  it.runIf(LINUX)('fails naming the service that was killed', async () => {
    const job = await jobAtWork()

    process.kill(childrenOf(job.pid).at(-1) ?? 0, 'SIGKILL')

    const { code, stderr } = await job.ended
    expect(code).toBe(1)
    expect(stderr).toMatch(/^the job has failed: the counter has ended by itself: SIGKILL$/m)
  })
})

interface StartedJob extends Pick<RunningJob, 'ended'> {
  readonly pid: number
  readonly run: string
}

/** Whether there was somebody to interrupt. */
function interrupt(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGINT')
  } catch {
    return false
  }
}

/** A job that has begun to read a file which takes long. */
async function jobAtWork(): Promise<StartedJob> {
  const job = startJob('--json', tempFolder({ a: Uint8Array.of(0xff), b: 'many short lines\n'.repeat(2_000_000) }))
  let notes = ''
  job.process.stderr?.on('data', text => (notes += String(text)))
  const started = await withServices(job)
  await vi.waitUntil(() => notes.includes('unreadable'), PATIENCE)
  return started
}

/** A job whose processes have been started. */
async function withServices({ process, ended }: RunningJob): Promise<StartedJob> {
  const pid = process.pid ?? 0
  await vi.waitUntil(() => childrenOf(pid).length === 4, PATIENCE)
  return { pid, ended, run: runOf(childrenOf(pid)[0] ?? 0) }
}

function hasNodes(count: number): (snapshot: Snapshot) => boolean {
  return ({ services }) => services.flatMap(({ nodes }) => nodes).length >= count
}
