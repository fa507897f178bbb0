import fc from 'fast-check'
import { messageOf, type Message } from 'millrace/core'
import type { Peer, SingleCall } from 'millrace/protocol'
import type { RSocketOptions } from 'millrace/protocol/rsocket'
import type { MemoryFrame, MemoryLinkState } from 'millrace/transport'
import { BehaviorSubject, finalize, map, NEVER, of, range } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { Conversation, heardInFull, type Transcript } from '../support/conversation.js'
import { record, type Recording } from '../support/recording.js'
import { answering, bodiesOf, single, VirtualWire } from '../support/virtual-wire.js'

/** Holds a conversation over a network that cuts links where `cuts` says so. */
function conversing(cuts: (frame: MemoryFrame) => boolean): [VirtualWire, Recording<Transcript>] {
  const conversation = new Conversation()
  const options = { resume: {}, fragmentBytes: 128, window: 4 }
  const wire = new VirtualWire(options, { latencyMs: 1, faults: { frame: frame => (cuts(frame) ? 'lost' : 0) } })
  wire.serve(remote => conversation.server(remote))
  const client = wire.connect({}, conversation.client())
  wire.advance(10)
  const heard = record(conversation.over(client.connection))
  wire.advance(60_000)
  return [wire, heard]
}

describe('a session whose network connection is cut', () => {
  const frames = { listener: 0, dialer: 0 }
  conversing(({ toward }) => {
    frames[toward]++
    return false
  })

  it.each(['listener', 'dialer'] as const)('goes on, before each frame to the %s', toward => {
    for (let cut = 0; cut < frames[toward]; cut++) {
      const [, heard] = conversing(frame => frame.link.index === 0 && frame.toward === toward && frame.index === cut)

      expect([cut, heard.values]).toEqual([cut, [heardInFull]])
    }
  })

  it('goes on, however often and wherever', () => {
    const place = fc.record({ toward: fc.constantFrom('listener', 'dialer'), index: fc.nat(30) })
    const places = fc.array(place, { minLength: 1, maxLength: 12 })

    fc.assert(
      fc.property(places, cuts => {
        const [, heard] = conversing(({ link, toward, index }) => {
          const cut = cuts[link.index]
          return cut?.toward === toward && cut.index === index
        })

        expect(heard.values).toEqual([heardInFull])
      }),
      { numRuns: 50, seed: 7 },
    )
  })

  it('has one connection all the while', () => {
    const [wire] = conversing(({ link, index }) => link.index < 5 && index === 4)

    expect(wire.accepted).toHaveLength(1)
    expect(wire.log.filter(({ event }) => event === 'session.resumed')).toHaveLength(10)
  })
})

/** A network whose links fail at a word, and engines that resume on it. */
class Cables {
  readonly wire: VirtualWire
  private readonly links: Map<number, BehaviorSubject<MemoryLinkState>>

  constructor(options: RSocketOptions = {}) {
    this.links = new Map()
    const resumable = { resume: { sessionMs: 20_000 }, ...options }
    this.wire = new VirtualWire(resumable, { faults: { link: ({ index }) => this.link(index) } })
  }

  /** Puts a link into a state; those that are not yet dialled, too. */
  enter(index: number, state: MemoryLinkState): void {
    this.link(index).next(state)
    this.wire.advance(0)
  }

  /** No link between these numbers comes about. */
  refuse(from: number, to: number): void {
    for (let index = from; index <= to; index++) this.link(index).next('lost')
  }

  private link(index: number): BehaviorSubject<MemoryLinkState> {
    let link = this.links.get(index)
    if (link === undefined) this.links.set(index, (link = new BehaviorSubject<MemoryLinkState>('up')))
    return link
  }
}

const peer: Peer = answering({
  echo: ({ body }: SingleCall) => of(messageOf(body)),
  count: ({ body }: SingleCall) => range(1, body as number).pipe(map(n => messageOf(n))),
  never: () => NEVER,
})

const KIB = 'x'.repeat(1024)

/** What happened to sessions, as it was logged. */
function sessionEvents({ log }: VirtualWire): string[] {
  return log.map(({ event }) => event)
}

describe('a client that resumes', () => {
  it('lets calls wait while it has no connection', () => {
    const cables = new Cables()
    cables.wire.serve(peer)
    const { connection } = cables.wire.connect()
    cables.refuse(1, 2)
    cables.enter(0, 'lost')

    const reply = record(connection.call(single('unary', 'echo', 'a')))
    const before = bodiesOf(reply)
    cables.wire.advance(400)

    expect([before, bodiesOf(reply)]).toEqual([[], ['a']])
  })

  it('refuses calls when the loss lasts', () => {
    const cables = new Cables({ resume: { maxWaitMs: 2000 } })
    cables.wire.serve(peer)
    const { connection } = cables.wire.connect()
    cables.refuse(1, 99)
    cables.enter(0, 'lost')
    cables.wire.advance(2001)

    const reply = record(connection.call(single('unary', 'echo', 'a')))

    expect(reply.error).toMatchObject({ code: 'UNAVAILABLE', reason: 'connection_detached', retry: { safe: true } })
  })

  it('gives up in the end', () => {
    const cables = new Cables()
    cables.wire.serve(peer)
    const { connection, lifetime } = cables.wire.connect()
    const reply = record(connection.call(single('unary', 'never')))
    cables.wire.advance(0)
    cables.refuse(1, 99)
    cables.enter(0, 'lost')

    cables.wire.advance(19_999)
    const before = lifetime.error
    cables.wire.advance(1)

    expect(before).toBeUndefined()
    expect(reply.error).toMatchObject({ code: 'UNAVAILABLE', reason: 'resume_expired', retry: { safe: false } })
    expect(lifetime.error).toMatchObject({ reason: 'resume_expired' })
    expect(cables.wire.pending).toBe(0)
  })

  it('takes silence for a loss', () => {
    const cables = new Cables({ keepAliveMs: 1000, maxLifetimeMs: 3000 })
    cables.wire.serve(peer)
    const { connection } = cables.wire.connect()
    cables.enter(0, 'frozen')
    const reply = record(connection.call(single('unary', 'echo', 'a')))

    cables.wire.advance(4000)

    expect(bodiesOf(reply)).toEqual(['a'])
  })

  it('ends when the server has lost the session', () => {
    const cables = new Cables()
    const { listening } = cables.wire.serve(peer)
    const { connection, lifetime } = cables.wire.connect()
    const reply = record(connection.call(single('unary', 'never')))
    cables.wire.advance(0)
    cables.enter(0, 'frozen')
    listening.unsubscribe()
    cables.wire.serve(peer)
    cables.enter(0, 'lost')
    cables.wire.advance(100)

    expect(reply.error).toMatchObject({ code: 'UNAVAILABLE', reason: 'resume_rejected' })
    expect(lifetime.error).toMatchObject({ reason: 'resume_rejected' })
    expect(cables.wire.accepted).toHaveLength(1)
  })

  it('begins anew when its SETUP was lost', () => {
    const [wire, heard] = conversing(({ link, toward, index }) => link.index + index === 0 && toward === 'listener')

    expect(heard.values).toEqual([heardInFull])
    expect(wire.log).toContainEqual(
      expect.objectContaining({ fields: expect.objectContaining({ reason: 'resume_rejected' }) }),
    )
  })

  it('fails as any other before the server is heard', () => {
    const wire = new VirtualWire({ resume: {} }, { latencyMs: 5 })
    const { listening } = wire.serve(peer)
    const client = wire.connect()
    wire.advance(10)
    const reply = record(client.connection.call(single('unary', 'echo', 'a')))

    listening.unsubscribe()
    wire.advance(1000)

    expect(client.lifetime.error).toMatchObject({ reason: 'connect_failed' })
    expect(reply.error).toMatchObject({ reason: 'connect_failed', retry: { safe: true } })
    expect(wire.pending).toBe(0)
  })

  it('ends when it retains more than a frame holds', () => {
    const wire = new VirtualWire({ resume: {} }, { latencyMs: 5, maxFrameBytes: 1000 })
    wire.serve(peer)
    const client = wire.connect()
    wire.advance(10)

    const reply = record(client.connection.call(single('unary', 'echo', 'x'.repeat(2000))))
    wire.advance(1000)

    expect([reply.error?.reason, client.lifetime.error?.reason]).toEqual(['frame_too_large', 'frame_too_large'])
    expect(wire.pending).toBe(0)
  })

  it('says when it closes', () => {
    const cables = new Cables()
    cables.wire.serve(peer)
    const { lifetime } = cables.wire.connect()
    cables.wire.advance(0)

    lifetime.subscription.unsubscribe()
    cables.wire.advance(10)

    expect(sessionEvents(cables.wire)).toEqual([])
    expect(cables.wire.pending).toBe(0)
  })

  it('may drain meanwhile', () => {
    const cables = new Cables()
    cables.wire.serve(peer)
    const { connection, lifetime } = cables.wire.connect()
    const reply = record(connection.call(single('unary', 'echo', 'a')))
    cables.enter(0, 'lost')

    connection.drain()
    cables.wire.advance(100)

    expect([bodiesOf(reply), lifetime.completed, cables.wire.pending]).toEqual([['a'], true, 0])
  })

  it.each([
    ['before the server is heard', 10],
    ['later', 100],
  ])('sends what was accepted before it closes, %s', (_, ms) => {
    const conversation = new Conversation()
    const wire = new VirtualWire({ resume: {} }, { latencyMs: 5 })
    wire.serve(remote => conversation.server(remote))
    const client = wire.connect()
    wire.advance(ms)

    record(client.connection.call(single('tell', 'note', 1)))
    client.lifetime.subscription.unsubscribe()
    wire.advance(100)

    expect(conversation.told).toEqual([1])
    expect(wire.pending).toBe(0)
  })

  it('is refused by a server that does not resume', () => {
    const wire = new VirtualWire()
    wire.serve(peer)
    const { lifetime } = wire.connect({ resume: {} })

    wire.advance(10)

    expect(lifetime.error).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'resume_unsupported' })
  })
})

describe('a session with little to retain', () => {
  const little = { resume: { maxRetainedBytes: 262_144 } }

  it('carries a stream of any length', () => {
    const cables = new Cables(little)
    cables.wire.serve(answering({ fill: () => range(1, 3000).pipe(map(() => messageOf(KIB))) }))
    const { connection } = cables.wire.connect()

    const items = record(connection.call(single('serverStream', 'fill')))
    cables.wire.advance(1000)

    expect([items.values.length, items.completed]).toEqual([3000, true])
    expect(sessionEvents(cables.wire)).toEqual([])
  })

  it('carries payloads longer than that, also when cut', () => {
    const cables = new Cables(little)
    cables.wire.serve(peer)
    const { connection } = cables.wire.connect()
    const long = KIB.repeat(2000)

    const reply = record(connection.call(single('unary', 'echo', long)))
    cables.enter(0, 'lost')
    cables.wire.advance(1000)

    expect(bodiesOf(reply)).toEqual([long])
    expect(sessionEvents(cables.wire)).not.toContain('session.overflow')
  })
})

describe('a session with leases', () => {
  it('has new ones over another connection', () => {
    const cables = new Cables({ lease: of({ ttlMs: 60_000, requests: 2 }) })
    cables.wire.serve(peer)
    const { connection } = cables.wire.connect({ honorLease: true })
    const call = (): Recording<Message> => record(connection.call(single('unary', 'echo', 'a')))
    const before = [call(), call()]
    cables.wire.advance(10)
    cables.enter(0, 'lost')
    cables.wire.advance(10)

    const after = [call(), call(), call()]
    cables.wire.advance(10)

    expect([...before, ...after].map(({ error }) => error?.reason)).toEqual([
      ...Array.from({ length: 4 }, () => undefined),
      'no_lease',
    ])
  })
})

describe('a server that resumes', () => {
  it('lets handlers go on, and ends them in the end', () => {
    const cables = new Cables()
    const ended: string[] = []
    cables.wire.serve({ call: () => NEVER.pipe(finalize(() => ended.push('handler'))) })
    const { connection, lifetime } = cables.wire.connect()
    record(connection.call(single('unary', 'never')))
    cables.wire.advance(0)
    cables.enter(0, 'frozen')
    lifetime.subscription.unsubscribe()
    cables.enter(0, 'lost')

    cables.wire.advance(19_999)
    const before = [...ended]
    cables.wire.advance(1)

    expect([before, ended]).toEqual([[], ['handler']])
    expect(cables.wire.pending).toBe(0)
  })

  it('takes a client back before it has noticed the loss', () => {
    const cables = new Cables({ keepAliveMs: 1000, maxLifetimeMs: 3000 })
    cables.wire.serve(peer, { maxLifetimeMs: 600_000 })
    const { connection } = cables.wire.connect()
    const replies = record(connection.call(single('serverStream', 'count', 3)))
    cables.wire.advance(0)
    cables.enter(0, 'frozen')
    cables.wire.advance(4000)
    const reply = record(connection.call(single('unary', 'echo', 'a')))

    cables.enter(0, 'up')
    cables.wire.advance(100)

    expect([bodiesOf(replies), bodiesOf(reply)]).toEqual([[1, 2, 3], ['a']])
    expect(cables.wire.accepted).toHaveLength(1)
  })

  it('ends sessions that wait when it drains', () => {
    const cables = new Cables()
    const { binding } = cables.wire.serve(peer)
    const { connection } = cables.wire.connect()
    record(connection.call(single('unary', 'never')))
    cables.wire.advance(0)
    cables.refuse(1, 99)
    cables.enter(0, 'lost')

    const drained = record(binding.drain())
    cables.wire.advance(0)

    expect(drained.completed).toBe(true)
  })

  it('ends a session that is lost while it drains', () => {
    const cables = new Cables()
    const { binding } = cables.wire.serve(peer)
    const { connection, lifetime } = cables.wire.connect()
    const reply = record(connection.call(single('unary', 'never')))
    cables.wire.advance(0)
    const drained = record(binding.drain())
    cables.wire.advance(0)

    cables.enter(0, 'lost')

    expect(drained.completed).toBe(true)
    expect([reply.error?.reason, lifetime.error?.reason]).toEqual(['connection_lost', 'connection_lost'])
  })

  it('ends the session that waits longest when too many wait', () => {
    const cables = new Cables({ resume: { maxDetached: 2 } })
    cables.wire.serve(peer)
    for (let index = 0; index < 3; index++) cables.wire.connect()
    cables.wire.advance(0)
    cables.refuse(3, 999)

    for (let index = 0; index < 3; index++) cables.enter(index, 'lost')

    expect(cables.wire.log.filter(({ fields }) => fields?.['reason'] === 'resume_expired')).toHaveLength(1)
  })

  it('ends the longest wait when too much is retained', () => {
    const cables = new Cables({ resume: { maxDetachedBytes: 1500 } })
    cables.wire.serve(answering({ fill: () => of(messageOf(KIB)) }))
    const clients = [0, 1].map(() => cables.wire.connect())
    cables.wire.advance(0)
    cables.refuse(2, 999)
    for (const { connection } of clients) record(connection.call(single('unary', 'fill')))
    cables.wire.advance(0)

    for (const index of [0, 1]) cables.enter(index, 'lost')

    expect(cables.wire.log.filter(({ fields }) => fields?.['reason'] === 'resume_expired')).toHaveLength(1)
  })

  it('lets no session wait where none may', () => {
    const cables = new Cables({ resume: { maxDetached: 0 } })
    cables.wire.serve(peer)
    const client = cables.wire.connect()
    cables.enter(0, 'frozen')

    client.lifetime.subscription.unsubscribe()
    cables.wire.advance(30_500)

    expect(cables.wire.log.map(({ fields }) => fields?.['reason'])).toContain('resume_expired')
    expect(cables.wire.pending).toBe(0)
  })
})
