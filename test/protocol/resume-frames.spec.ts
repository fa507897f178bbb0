import { messageOf } from 'millrace/core'
import type { SingleCall } from 'millrace/protocol'
import type { RSocketOptions } from 'millrace/protocol/rsocket'
import { EMPTY, map, NEVER, of, range } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { frameBytes, joined, lineOf, positionIn, types, u64 } from '../support/raw-frame.js'
import { RawPeer } from '../support/raw-peer.js'
import { record } from '../support/recording.js'
import { keepaliveFrame, resumeFrame, streamBytes, type ResumeParts } from '../support/resume-frame.js'
import { answering, bodiesOf, single, VirtualWire, type Connected } from '../support/virtual-wire.js'

const CAP = 262_144
const KIB = 'x'.repeat(1024)

const handlers = answering({
  echo: ({ body }: SingleCall) => of(messageOf(body)),
  fill: ({ body }: SingleCall) => range(1, body as number).pipe(map(() => messageOf(KIB))),
  large: ({ body }: SingleCall) => of(messageOf('x'.repeat(body as number))),
  note: () => EMPTY,
  never: () => NEVER,
})

/** A server that resumes, and clients that write their frames by hand. */
class ResumingServer {
  readonly wire: VirtualWire

  constructor(options: RSocketOptions = {}) {
    this.wire = new VirtualWire({ resume: { maxRetainedBytes: CAP }, ...options })
    this.wire.serve(handlers)
  }

  begin(): RawPeer {
    return this.wire.rawClient({ flags: 'R', token: 'tok' })
  }

  resume(parts: ResumeParts): RawPeer {
    const peer = this.wire.rawClient('none')
    peer.send(resumeFrame(parts))
    this.wire.advance(0)
    return peer
  }
}

describe('a server that is asked to resume', () => {
  it('sends again what the client has not received', () => {
    const server = new ResumingServer()
    const client = server.begin()
    client.request('REQUEST_RESPONSE', 1, 'echo', { body: 'a' })
    client.request('REQUEST_RESPONSE', 3, 'echo', { body: 'b' })
    server.wire.advance(0)
    const received = client.received[0]?.length ?? 0
    client.abort()

    const again = server.resume({ received })

    expect(again.lines()).toEqual(['RESUME_OK 0', 'PAYLOAD 3 NC "b"'])
  })

  it('says what it has received, without frames of the connection', () => {
    const server = new ResumingServer()
    const client = server.begin()
    const request = frameBytes({ type: 'REQUEST_N', id: 1, word: 1 })
    client.send(keepaliveFrame(0))
    client.send(request)
    client.send(keepaliveFrame(0))
    client.send(request)
    server.wire.advance(0)
    client.abort()

    const again = server.resume({})

    expect(again.received.map(positionIn)).toEqual([2 * request.length])
  })

  it('refuses another session with the same token', () => {
    const server = new ResumingServer()
    server.begin()

    const other = server.begin()

    expect(other.lines()).toEqual(['ERROR 0 REJECTED_SETUP session_exists'])
  })

  it.each([
    ['that is empty', ''],
    ['longer than the frame', 'x'.repeat(200)],
  ])('refuses a token %s', (_, token) => {
    const server = new ResumingServer()
    const client = server.wire.rawClient('none')

    client.setup({ flags: 'R', token, cut: token.length })
    server.wire.advance(0)

    expect(client.lines()).toEqual(['ERROR 0 INVALID_SETUP invalid_setup'])
  })

  it('goes on with the answers of requests that it had', () => {
    const server = new ResumingServer()
    const client = server.begin()
    client.abort()
    server.wire.advance(0)

    const again = server.resume({})
    again.request('REQUEST_RESPONSE', 1, 'echo', { body: 'a' })
    server.wire.advance(0)

    expect(again.lines()).toEqual(['RESUME_OK 0', 'PAYLOAD 1 NC "a"'])
  })

  const refused: { readonly [what: string]: ResumeParts } = {
    'another token': { token: 'kot' },
    'a token that is longer': { token: 'token' },
    'no token': { token: '' },
    'another version': { version: 0x2_0000 },
    'a position that is no longer retained': { received: 0 },
    'a position within a frame': { received: 17 },
    'a position ahead of what was sent': { received: 48 },
    'frames that the client no longer retains': { received: 16, retained: 1000 },
    'an end before the positions': { cut: 9 },
    'an end before the token': { cut: 20 },
  }

  it.each(Object.entries(refused))('refuses %s', (_, parts) => {
    const server = new ResumingServer()
    const client = server.begin()
    for (const id of [1, 3]) client.request('REQUEST_RESPONSE', id, 'echo', { body: 'abcdefgh' })
    server.wire.advance(0)
    client.send(keepaliveFrame(16)) // the first of two answers
    server.wire.advance(0)
    client.abort()

    const again = server.resume(parts)

    expect(again.lines()).toEqual(['ERROR 0 REJECTED_RESUME resume_rejected'])
    expect(again.ending).toBe('closed')
  })

  it('refuses when it has no such option', () => {
    const wire = new VirtualWire()
    wire.serve(handlers)
    const client = wire.rawClient('none')

    client.send(resumeFrame({}))
    wire.advance(0)

    expect(client.lines()).toEqual(['ERROR 0 REJECTED_RESUME resume_unsupported'])
  })

  it('lets a session go on that was asked for wrongly', () => {
    const server = new ResumingServer()
    const client = server.begin()

    server.resume({ received: 1000 })
    client.request('REQUEST_RESPONSE', 1, 'echo', { body: 'a' })
    server.wire.advance(0)

    expect(client.lines()).toEqual(['PAYLOAD 1 NC "a"'])
  })

  it('gives the session to who asks last', () => {
    const server = new ResumingServer()
    const client = server.begin()

    const second = server.resume({})
    const third = server.resume({})
    third.request('REQUEST_RESPONSE', 1, 'echo', { body: 'a' })
    second.request('REQUEST_RESPONSE', 3, 'echo', { body: 'b' })
    server.wire.advance(0)

    expect([client.ending, second.ending, third.ending]).toEqual(['closed', 'closed', 'open'])
    expect(third.lines()).toEqual(['RESUME_OK 0', 'PAYLOAD 1 NC "a"'])
  })

  it('takes the word of the client that it ends', () => {
    const server = new ResumingServer()
    const client = server.begin()
    client.send({ type: 'ERROR', word: 0x101, data: 'bye' })
    client.close()
    server.wire.advance(0)

    const again = server.resume({})

    expect(again.lines()).toEqual(['ERROR 0 REJECTED_RESUME resume_rejected'])
    expect(server.wire.pending).toBe(0)
  })
})

describe('what is retained', () => {
  it('is acknowledged every 64 KiB', () => {
    const server = new ResumingServer()
    const client = server.begin()

    for (let id = 1; id < 400; id += 2) client.request('REQUEST_FNF', id, 'note', { body: KIB })
    server.wire.advance(0)

    expect(client.received.map(lineOf)).toEqual(Array.from({ length: 3 }, () => 'KEEPALIVE answer'))
    expect(client.received.map(frame => Math.floor(positionIn(frame) / 65_536))).toEqual([1, 2, 3])
  })

  it('holds streams up from half of the limit on', () => {
    const server = new ResumingServer()
    const client = server.begin()

    client.request('REQUEST_STREAM', 1, 'fill', { n: 1000, body: 1000 })
    server.wire.advance(0)
    const before = streamBytes(client.received)
    client.send(keepaliveFrame(before))
    server.wire.advance(0)

    expect(Math.round(before / 1024)).toBe(128)
    expect(Math.round(streamBytes(client.received) / 1024)).toBe(256)
  })

  it('is asked for from a quarter of the limit on', () => {
    const server = new ResumingServer()
    const client = server.begin()

    client.request('REQUEST_STREAM', 1, 'fill', { n: 1000, body: 70 })
    server.wire.advance(0)

    expect(client.lines().filter(line => line.startsWith('KEEPALIVE'))).toEqual(['KEEPALIVE ask'])
  })

  it('lets new calls be refused from three quarters on', () => {
    const server = new ResumingServer({ fragmentBytes: 1_000_000 })
    const client = server.begin()
    client.request('REQUEST_RESPONSE', 1, 'large', { body: 200_000 })
    server.wire.advance(0)
    client.lines()

    client.request('REQUEST_RESPONSE', 3, 'echo', { body: 'a' })
    server.wire.advance(0)

    expect(client.lines()).toEqual(['ERROR 3 REJECTED queue_full'])
  })

  it('ends beyond the limit, and the connection goes on', () => {
    const server = new ResumingServer({ fragmentBytes: 1_000_000 })
    const client = server.begin()
    for (const id of [1, 3]) client.request('REQUEST_RESPONSE', id, 'large', { body: 190_000 })
    server.wire.advance(0)
    client.lines()

    client.request('REQUEST_RESPONSE', 5, 'echo', { body: 'a' })
    server.wire.advance(0)
    const after = client.lines()
    client.abort()
    server.wire.advance(0)

    expect(after).toEqual(['PAYLOAD 5 NC "a"'])
    expect(server.wire.log).toMatchObject([
      { level: 'warn', event: 'session.overflow', fields: { reason: 'resume_overflow' } },
    ])
    expect(server.resume({}).lines()).toEqual(['ERROR 0 REJECTED_RESUME resume_rejected'])
  })

  it('ends the session beyond the limit while it waits', () => {
    const wire = new VirtualWire({ resume: { maxRetainedBytes: CAP }, fragmentBytes: 1_000_000 })
    const { connection, lifetime, servers } = clientOf(wire)
    servers[0]?.abort()
    wire.advance(0)

    const replies = [1, 2].map(() => record(connection.call(single('unary', 'echo', 'x'.repeat(190_000)))))
    wire.advance(0)

    expect(replies.map(({ error }) => error?.reason)).toEqual(['resume_overflow', 'resume_overflow'])
    expect(lifetime.error).toMatchObject({ code: 'UNAVAILABLE', reason: 'resume_overflow' })
  })
})

/** A client that resumes, connected to servers that write their frames by hand, the first of which it has heard. */
function clientOf(wire: VirtualWire): Connected & { readonly servers: readonly RawPeer[] } {
  const servers: RawPeer[] = []
  wire.transport
    .listen('memory:server')
    .subscribe(({ sockets }) => sockets.subscribe(socket => servers.push(new RawPeer(socket))))
  wire.advance(0)
  const connected = wire.connect()
  servers[0]?.send(keepaliveFrame(0))
  wire.advance(0)
  return { lifetime: connected.lifetime, connection: connected.connection, servers }
}

describe('a client that resumes', () => {
  it('draws a token of 32 bytes', () => {
    const wire = new VirtualWire({ resume: {} })

    const { servers } = clientOf(wire)
    wire.connect()

    const [first, second] = servers.map(({ received }) => received[0]?.subarray(20, 52))
    expect(servers.map(({ received }) => received[0]?.[5])).toEqual([0x80, 0x80])
    expect(servers.map(({ received }) => received[0]?.[19])).toEqual([32, 32])
    expect(new Set([...(first ?? []), ...(second ?? [])]).size).toBeGreaterThan(40)
    expect(first).not.toEqual(second)
  })

  it('sends nothing of streams before the server is heard', () => {
    const wire = new VirtualWire({ resume: {} })
    const servers: RawPeer[] = []
    wire.transport
      .listen('memory:server')
      .subscribe(({ sockets }) => sockets.subscribe(socket => servers.push(new RawPeer(socket))))
    wire.advance(0)
    const { connection } = wire.connect()
    record(connection.call(single('unary', 'echo', 'a')))
    wire.advance(0)
    const before = servers[0]?.lines()

    servers[0]?.send(keepaliveFrame(0))
    wire.advance(0)

    expect([before, servers[0]?.lines()]).toEqual([['SETUP 0', 'KEEPALIVE ask'], ['REQUEST_RESPONSE 1 "a"']])
  })

  it('asks with token and positions, nothing before the answer', () => {
    const wire = new VirtualWire({ resume: {} })
    const { connection, servers } = clientOf(wire)
    const token = servers[0]?.received[0]?.slice(20, 52)
    const replies = ['a', 'b'].map(body => record(connection.call(single('unary', 'echo', body))))
    wire.advance(0)
    servers[0]?.item(1, 'A', 'NC')
    wire.advance(0)
    const requests = servers[0]?.received.slice(2) ?? []
    servers[0]?.send(keepaliveFrame(requests[0]?.length ?? 0))
    wire.advance(0)
    servers[0]?.abort()
    wire.advance(0)

    const asked = servers[1]?.received.splice(0)
    servers[1]?.send(frameBytes({ type: types.RESUME_OK, data: joined(u64(requests[0]?.length ?? 0)) }))
    wire.advance(0)
    servers[1]?.item(3, 'B', 'NC')
    wire.advance(0)

    const positions = {
      received: frameBytes({ type: 'PAYLOAD', id: 1, data: '"A"' }).length,
      retained: requests[0]?.length ?? 0,
    }
    expect(asked).toEqual([resumeFrame({ token: token ?? '', ...positions })])
    expect(servers[1]?.lines()).toEqual(['REQUEST_RESPONSE 3 "b"'])
    expect(replies.map(bodiesOf)).toEqual([['A'], ['B']])
  })

  it('does not ask again when it is refused', () => {
    const wire = new VirtualWire({ resume: {} })
    const { servers, lifetime } = clientOf(wire)
    servers[0]?.abort()
    wire.advance(0)

    servers[1]?.send({ type: 'ERROR', word: 4, data: 'who are you' })
    wire.advance(60_000)

    expect(lifetime.error).toMatchObject({
      code: 'UNAVAILABLE',
      reason: 'resume_rejected',
      cause: { message: expect.stringContaining('who are you') },
    })
    expect(servers).toHaveLength(2)
  })

  const answers: { readonly [what: string]: Uint8Array } = {
    'a position it has not sent': frameBytes({ type: types.RESUME_OK, data: joined(u64(1)) }),
    'a RESUME_OK without a position': frameBytes({ type: types.RESUME_OK }),
    'another frame': keepaliveFrame(0),
    'a frame of a stream': frameBytes({ type: 'PAYLOAD', id: 1, flags: 'NC' }),
    'no frame': new Uint8Array(2),
  }

  it.each(Object.entries(answers))('ends when it is answered by %s', (_, answer) => {
    const wire = new VirtualWire({ resume: {} })
    const { servers, lifetime } = clientOf(wire)
    servers[0]?.abort()
    wire.advance(0)
    servers[1]?.lines()

    servers[1]?.send(answer)
    wire.advance(0)

    expect(servers[1]?.lines()).toEqual(['ERROR 0 CONNECTION_ERROR resume_rejected'])
    expect(servers[1]?.ending).toBe('closed')
    expect(lifetime.error).toMatchObject({ reason: 'resume_rejected' })
  })

  it('dials again when it is not answered', () => {
    const wire = new VirtualWire({ resume: {}, setupTimeoutMs: 3000 })
    const { servers } = clientOf(wire)
    servers[0]?.abort()
    wire.advance(0)

    wire.advance(3100)

    expect(servers.map(({ ending }) => ending)).toEqual(['open', 'closed', 'open'])
    expect(servers[2]?.lines()).toEqual(['RESUME 0'])
  })

  it('says that it ends', () => {
    const wire = new VirtualWire({ resume: {} })
    const { servers, lifetime } = clientOf(wire)
    servers[0]?.lines()

    lifetime.subscription.unsubscribe()
    wire.advance(0)

    expect(servers[0]?.lines()).toEqual(['ERROR 0 CONNECTION_ERROR connection_closed'])
    expect(servers[0]?.ending).toBe('closed')
  })
})
