import { silentLog, systemRuntime, type LogEvent } from 'millrace/core'
import { mdns } from 'millrace/registry/mdns'
import { spawn, type ChildProcess } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { answerOf, instanceOf, register, watch } from '../compliance/registry-probe.js'
import { eventually, within } from '../support/deadline.js'

const MS = 10_000
const DOWN = { code: 'UNAVAILABLE', reason: 'registry_unavailable', cause: { reason: 'mdns_unavailable' } }

describe('mdns', () => {
  it('lists every fault of its options', () => {
    const options = { domain: 'a b', interface: 'lo', loopbackOnly: true, port: 0, ttlMs: 1, speed: 1 }

    expect(() => mdns(options)).toThrow(
      expect.objectContaining({
        reason: 'invalid_options',
        details: Array.from({ length: 5 }, () => expect.any(String)),
      }),
    )
  })

  it('opens nothing before it is used', () => {
    mdns()

    expect(process.getActiveResourcesInfo()).not.toContain('UDPWrap')
  })

  it('sees nobody of another domain', async () => {
    const [ours, theirs] = [newDomain(), newDomain()]
    const registering = register(mdns({ domain: theirs, loopbackOnly: true }), instanceOf('words', 'a'))
    await eventually(() => registering.announced.length > 0, MS, 'an announcement')

    const services = await answerOf(mdns({ domain: ours, loopbackOnly: true, collectMs: 50 }).get('words'))

    expect(services).toEqual([])
    registering.stop()
  })

  it('is unavailable on an interface that is not there', async () => {
    const lines: LogEvent[] = []
    const registry = mdns({ interface: '203.0.113.7', log: event => lines.push(event) })

    const answer: unknown = await answerOf(registry.get('words'))

    expect(answer).toMatchObject(DOWN)
    expect(lines.filter(({ event }) => event === 'mdns.down')).toHaveLength(1)
  })

  it('waits for a port that another has, and recovers', async () => {
    const greedy = createSocket({ type: 'udp4', reuseAddr: false }).bind(0)
    await once(greedy, 'listening')
    const registry = mdns({ port: greedy.address().port, loopbackOnly: true, collectMs: 50, log: silentLog })
    const words = watch(registry, 'words')
    const registering = register(registry, instanceOf('words', 'a'))
    await eventually(() => words.last?.stale === true, MS, 'a stale snapshot')
    const whileTaken: unknown = await answerOf(registry.get('words'))

    greedy.close()

    await words.shows(['words@1.0.0 a'], MS)
    await eventually(() => words.last?.stale === false, MS, 'a snapshot that is not stale')
    expect(whileTaken).toMatchObject(DOWN)
    registering.stop()
    words.stop()
  })
})

describe('mdns between processes', () => {
  const children: ChildProcess[] = []

  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
  })

  const start = (domain: string, id: string): ChildProcess => {
    const script = fileURLToPath(new URL('registered-process.mjs', import.meta.url))
    const child = spawn(process.execPath, [script, domain, 'words', id], { stdio: ['pipe', 'pipe', 'inherit'] })
    children.push(child)
    return child
  }

  it('shows the nodes of all until they go', async () => {
    const domain = newDomain()
    const words = watch(mdns({ domain, loopbackOnly: true }), 'words')

    const first = start(domain, 'a')
    start(domain, 'b')
    await words.shows(['words@1.0.0 a b'], MS)
    const exited = once(first, 'exit')
    first.stdin?.end()

    await words.shows(['words@1.0.0 b'], MS)
    expect(await within(exited, MS, 'the end of the process')).toEqual([0, null])
    words.stop()
  })

  it('drops a killed node, and keeps the others', async () => {
    const domain = newDomain()
    const words = watch(mdns({ domain, loopbackOnly: true }), 'words')
    const first = start(domain, 'a')
    start(domain, 'b')
    await words.shows(['words@1.0.0 a b'], MS)

    first.kill('SIGKILL')

    await words.shows(['words@1.0.0 b'], MS)
    words.stop()
  })
})

function newDomain(): string {
  return `test-${systemRuntime().id()}`
}
