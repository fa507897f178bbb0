import { once } from 'node:events'
import { connect, createServer, type Socket as NodeSocket } from 'node:net'
import { systemRuntime } from 'millrace/core'
import { afterEach, describe, expect, it } from 'vitest'
import { netSocket, type NetSocketOptions } from '../../src/transport/net-socket.js'
import type { OwnedSocket } from '../../src/transport/owned-socket.js'
import { sendNumber, upTo } from '../compliance/transport-probe.js'
import { turn } from '../support/deadline.js'

const open: NodeSocket[] = []

afterEach(() => open.splice(0).forEach(socket => socket.destroy()))

describe('netSocket', () => {
  it('writes what a turn sends at once', async () => {
    const { socket, writes } = await counted({ flushFrames: 1000 })

    for (const number of upTo(500)) sendNumber(socket, number, 97)
    const during = writes.length
    await turn()

    expect(during).toBe(0)
    expect(writes).toEqual([50_000])
  })

  it('writes within the turn when enough frames wait', async () => {
    const { socket, writes } = await counted({ flushFrames: 16 })

    for (const number of upTo(40)) sendNumber(socket, number, 97)
    const during = [...writes]
    await turn()

    expect(during).toEqual([1600, 1600])
    expect(writes).toEqual([1600, 1600, 800])
  })

  it('writes within the turn when the arena is full', async () => {
    const { socket, writes } = await counted({ flushFrames: 1000 })

    for (const number of upTo(3)) sendNumber(socket, number, 30_000)

    expect(writes).toEqual([60_006])
  })

  it('writes a frame larger than the arena by itself', async () => {
    const { socket, writes } = await counted({ flushFrames: 1000 })

    for (const length of [10, 100_000, 20]) sendNumber(socket, 1, length)
    await turn()

    expect(writes).toEqual([13, 100_003, 23])
  })

  it('writes what waits before it closes', async () => {
    const { socket, writes } = await counted({ flushFrames: 1000 })

    sendNumber(socket, 1)
    socket.close()

    expect(writes).toEqual([7])
  })

  it('writes nothing when it is aborted', async () => {
    const { socket, writes } = await counted({ flushFrames: 1000 })

    sendNumber(socket, 1)
    socket.abort()
    await turn()

    expect(writes).toEqual([])
  })
})

/** A socket over a real connection, and the sizes of the writes it makes. */
async function counted(options: Partial<NetSocketOptions>): Promise<{ socket: OwnedSocket; writes: number[] }> {
  const server = createServer(peer => open.push(peer.resume())).listen({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  const plain = connect({ ...(server.address() as { port: number }), host: '127.0.0.1' })
  open.push(plain)
  await once(plain, 'connect')
  server.close()
  const writes: number[] = []
  const write = plain.write.bind(plain) as (chunk: Uint8Array, done: () => void) => boolean
  plain.write = ((chunk: Uint8Array, done: () => void) => {
    writes.push(chunk.length)
    return write(chunk, done)
  }) as NodeSocket['write']
  const defaults = { runtime: systemRuntime(), maxFrameBytes: 1_000_000, highWaterMarkBytes: 1_000_000 }
  const ends = { local: 'here', remote: 'there' }
  return {
    socket: netSocket({ socket: plain }, ends, { ...defaults, flushFrames: 16, closeTimeoutMs: 1000, ...options }),
    writes,
  }
}
