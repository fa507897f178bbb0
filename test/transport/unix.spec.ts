import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unix } from 'millrace/transport/unix'
import { afterAll, describe, expect, it } from 'vitest'
import { takeAway } from '../../src/transport/stale-socket.js'
import { connect, failureOf, listenAt, receive, sendNumber } from '../compliance/transport-probe.js'
import { testTransport } from 'millrace/testing/compliance'
import { countingRuntime } from '../support/counting-runtime.js'
import { eventually } from '../support/deadline.js'

const PATIENCE_MS = 5000
const folder = mkdtempSync(join(tmpdir(), 'millrace-unix-'))
let paths = 0

afterAll(() => rmSync(folder, { recursive: true, force: true }))

testTransport(
  { describe, it },
  {
    name: 'unix',
    setup: () => {
      const runtime = countingRuntime()
      return {
        // A timer that is left behind outlives the test.
        transport: unix({ runtime, connectTimeoutMs: 600_000, closeTimeoutMs: 600_000 }),
        anyAddress: ':0',
        deadAddress: freePath(),
        invalidAddresses: ['', 'relative.sock', '@abstract', '/a/folder/', '/with\0nul', `/${'long'.repeat(27)}`],
        openResources: () => runtime.openTimers + handles(),
      }
    },
  },
)

describe('unix', () => {
  it('says how long a path may be', async () => {
    const path = join(tmpdir(), 'é'.repeat(60))

    const failure = await failureOf(unix().listen(path), PATIENCE_MS)

    expect(String(failure)).toMatch(new RegExp(`at most 10[37] bytes.* not ${Buffer.byteLength(path)}$`))
  })

  it('lets nobody but this user connect', async () => {
    const { listener, listening } = await listenAt(unix(), ':0', PATIENCE_MS)

    const { mode } = statSync(listener.address)
    listening.unsubscribe()

    expect(mode & 0o777).toBe(0o600)
  })

  it('gives the file the permissions that are asked for', async () => {
    const { listener, listening } = await listenAt(unix({ mode: 0o660 }), freePath(), PATIENCE_MS)

    const { mode } = statSync(listener.address)
    listening.unsubscribe()

    expect(mode & 0o777).toBe(0o660)
  })

  it('removes the file when the listener goes', async () => {
    const { listener, listening } = await listenAt(unix(), freePath(), PATIENCE_MS)

    listening.unsubscribe()

    await eventually(() => !existsSync(listener.address), PATIENCE_MS, 'the end of the file')
  })

  it('takes over the file of a killed process', async () => {
    const path = freePath()
    leaveBehind(path)

    const { client, server, dialing, listening } = await connect(unix(), path, PATIENCE_MS)
    const inbox = receive(server, PATIENCE_MS)
    sendNumber(client, 1)
    await inbox.received(1)
    dialing.unsubscribe()
    listening.unsubscribe()

    expect(inbox.numbers).toEqual([1])
  })

  it('says so when the process that listened is gone', async () => {
    const path = freePath()
    leaveBehind(path)

    const failure = await failureOf(unix().dial(path), PATIENCE_MS)

    expect(String(failure)).toContain('nobody listens there (ECONNREFUSED)')
  })

  it('leaves a file alone that is no socket', async () => {
    const path = freePath()
    writeFileSync(path, 'letters')

    const failure = await failureOf(unix().listen(path), PATIENCE_MS)

    expect(failure).toMatchObject({ code: 'UNAVAILABLE', reason: 'listen_failed' })
    expect(String(failure)).toContain('no socket')
    expect(lstatSync(path).size).toBe(7)
  })

  it('explains a folder that does not exist', async () => {
    const failure = await failureOf(unix().listen(join(folder, 'nowhere', 'x.sock')), PATIENCE_MS)

    expect(failure).toMatchObject({ reason: 'listen_failed' })
    expect(String(failure)).toContain('nowhere/x.sock')
  })

  it('names every option that is wrong', () => {
    const options: object = { mode: 0o1777, flushFrames: 0, path: '/x' }

    expect(() => unix(options)).toThrow(/flushFrames.*mode.*path/)
  })
})

describe('takeAway', () => {
  it('leaves the file of who came in between', async () => {
    const path = freePath()
    leaveBehind(path)
    const seen = lstatSync(path, { bigint: true })
    const { listening } = await listenAt(unix(), path, PATIENCE_MS)

    expect(() => takeAway(path, seen)).toThrow(expect.objectContaining({ reason: 'listen_failed' }))
    const later = await failureOf(unix().listen(path), PATIENCE_MS)
    listening.unsubscribe()

    expect(String(later)).toContain('somebody listens there already')
  })
})

function freePath(): string {
  return join(folder, `${++paths}.sock`)
}

/** Leaves a socket file as a process does that is killed while it listens. */
function leaveBehind(path: string): void {
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', script])
  expect(lstatSync(path).isSocket()).toBe(true)
}

/** Sockets and servers that this process holds. */
function handles(): number {
  return process.getActiveResourcesInfo().filter(name => name.startsWith('Pipe')).length
}
