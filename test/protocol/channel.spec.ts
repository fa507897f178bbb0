import { messageOf, RpcError, type Message } from 'millrace/core'
import type { StreamingCall } from 'millrace/protocol'
import { hold, paced, type Release } from 'millrace/streams'
import {
  concat,
  EMPTY,
  finalize,
  ignoreElements,
  map,
  merge,
  mergeMap,
  NEVER,
  type Observable,
  of,
  Subject,
  switchMap,
  take,
  tap,
  throwError,
  timer,
  toArray,
} from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { RawPeer } from '../support/raw-peer.js'
import { record } from '../support/recording.js'
import { answering, bodiesOf, single, streaming, VirtualWire } from '../support/virtual-wire.js'

const echo = ({ messages }: StreamingCall): Observable<Message> => messages
const sum = ({ messages }: StreamingCall): Observable<Message> =>
  messages.pipe(
    toArray(),
    map(all => messageOf(all.length)),
  )

function running(connection: unknown): unknown {
  return (connection as { readonly running: number }).running
}

describe('a duplex call', () => {
  it('answers each request', () => {
    const wire = new VirtualWire()
    wire.serve(answering({ echo }))
    const { connection } = wire.connect()

    const replies = record(connection.call(streaming('duplex', 'echo', paced([1, 2, 3]))))
    wire.advance(0)

    expect(bodiesOf(replies)).toEqual([1, 2, 3])
    expect(replies.completed).toBe(true)
    expect([running(connection), running(wire.accepted[0])]).toEqual([0, 0])
  })

  it('may end its requests without being asked for any', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer()

    record(connection.call(streaming('duplex', 'echo', EMPTY)))
    wire.advance(0)

    expect(peer.lines()).toEqual(['REQUEST_CHANNEL 1 n=256', 'PAYLOAD 1 C'])
  })

  it('gets replies after its requests have ended', () => {
    const wire = new VirtualWire({ window: 2 })
    const { connection, peer } = wire.rawServer()
    const replies = record(connection.call(streaming('duplex', 'echo', EMPTY)))
    wire.advance(0)
    peer.lines()

    for (const item of ['a', 'b', 'c']) {
      peer.item(1, item)
      wire.advance(0)
    }
    peer.send({ type: 'PAYLOAD', id: 1, flags: 'C' })
    wire.advance(0)

    expect(bodiesOf(replies)).toEqual(['a', 'b', 'c'])
    expect(replies.completed).toBe(true)
    expect(peer.lines()).toEqual(['REQUEST_N 1 n=1', 'REQUEST_N 1 n=1', 'REQUEST_N 1 n=1'])
  })

  it('unsubscribes its requests when replies end', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer()
    const requests$ = new Subject<unknown>()
    const replies = record(connection.call(streaming('duplex', 'echo', requests$)))

    peer.send({ type: 'PAYLOAD', id: 1, flags: 'C' })
    wire.advance(0)

    expect(replies.completed).toBe(true)
    expect(requests$.observed).toBe(false)
    expect(peer.lines()).toEqual(['REQUEST_CHANNEL 1 n=256', 'CANCEL 1'])
  })

  it('fails with what its requests fail with', () => {
    const wire = new VirtualWire()
    const heard: unknown[] = []
    const failing = ({ messages }: StreamingCall): Observable<Message> => {
      messages.subscribe({ error: error => heard.push(error) })
      return NEVER
    }
    wire.serve(answering({ failing }))
    const { connection } = wire.connect()
    const own = new TypeError('own')
    const requests$ = concat(
      timer(1, wire.runtime.scheduler),
      throwError(() => own),
    )

    const replies = record(connection.call(streaming('duplex', 'failing', requests$)))
    wire.advance(2)

    expect(replies.error).toBe(own)
    expect(heard).toMatchObject([{ code: 'CANCELLED', reason: 'requests_failed' }])
  })

  it('fails at once though no request was ever asked for', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer()
    const own = new TypeError('own')

    const replies = record(
      connection.call(
        streaming(
          'duplex',
          'echo',
          concat(
            of(1, 2),
            throwError(() => own),
          ),
        ),
      ),
    )
    wire.advance(0)

    expect(replies.error).toBe(own)
    expect(peer.lines()).toMatchObject(['REQUEST_CHANNEL 1 n=256', expect.stringContaining('ERROR 1')])
    expect(running(connection)).toBe(0)
  })

  it('fails when a request cannot be written', () => {
    const wire = new VirtualWire()
    wire.serve(answering({ echo }))
    const { connection } = wire.connect()

    const replies = record(connection.call(streaming('duplex', 'echo', concat(of(1), of(Symbol('a')), NEVER))))
    wire.advance(0)

    expect(replies.error).toMatchObject({ reason: 'not_encodable' })
    expect([running(connection), running(wire.accepted[0])]).toEqual([0, 0])
  })

  it('fails when a request does not fit the transport', () => {
    const wire = new VirtualWire({}, { maxFrameBytes: 300 })
    wire.serve(answering({ echo }))
    const { connection } = wire.connect()

    const replies = record(connection.call(streaming('duplex', 'echo', concat(of(1), of('x'.repeat(300)), NEVER))))
    wire.advance(0)

    expect(replies.error).toMatchObject({ reason: 'frame_too_large' })
    expect([running(connection), running(wire.accepted[0])]).toEqual([0, 0])
  })

  it('is written when requests are pushed re-entrantly', () => {
    const wire = new VirtualWire()
    wire.serve(answering({ echo }))
    const { connection } = wire.connect()
    const requests$ = new Subject<number>()
    const seen: unknown[] = []

    connection.call(streaming('duplex', 'echo', requests$)).subscribe(({ body }) => {
      seen.push(body)
      if (seen.length < 5) requests$.next(seen.length)
    })
    wire.advance(0)
    requests$.next(0)
    wire.advance(0)

    expect(seen).toEqual([0, 1, 2, 3, 4])
  })
})

describe('an answer to a channel', () => {
  const open = (handler: (call: StreamingCall) => Observable<Message>, window = 4): [VirtualWire, RawPeer] => {
    const wire = new VirtualWire({ window })
    wire.serve(answering({ handler }))
    const peer = wire.rawClient()
    peer.request('REQUEST_CHANNEL', 1, 'handler', { n: 10 })
    wire.advance(0)
    return [wire, peer]
  }

  it('asks for requests when they are subscribed', () => {
    const late$ = new Subject<void>()
    const [wire, peer] = open(({ messages }) => late$.pipe(switchMap(() => messages)))
    const before = peer.lines()

    late$.next()
    wire.advance(0)

    expect([before, peer.lines()]).toEqual([[], ['REQUEST_N 1 n=4']])
  })

  it('asks again as requests are consumed', () => {
    const held: (Release | undefined)[] = []
    const [wire, peer] = open(({ messages }) =>
      messages.pipe(
        tap(() => held.push(hold())),
        ignoreElements(),
      ),
    )
    peer.lines()
    for (let index = 0; index < 4; index++) peer.item(1, index)
    wire.advance(0)
    const before = peer.lines()

    held[3]?.()
    held[0]?.()
    wire.advance(0)

    expect([before, peer.lines()]).toEqual([[], ['REQUEST_N 1 n=1', 'REQUEST_N 1 n=1']])
  })

  it('fails requests beyond what was asked for', () => {
    const torn: string[] = []
    const [wire, peer] = open(({ messages }) =>
      messages.pipe(
        tap(() => hold()),
        ignoreElements(),
        finalize(() => torn.push('torn')),
      ),
    )
    peer.lines()

    for (let index = 0; index < 5; index++) peer.item(1, index)
    wire.advance(0)

    expect(peer.lines()).toEqual(['ERROR 1 APPLICATION_ERROR credit_exceeded'])
    expect(torn).toEqual(['torn'])
  })

  it('fails requests that nobody asked for', () => {
    const [wire, peer] = open(() => NEVER)

    peer.item(1, 'a')
    wire.advance(0)

    expect(peer.lines()).toEqual(['ERROR 1 APPLICATION_ERROR credit_exceeded'])
    expect(running(wire.accepted[0])).toBe(0)
  })

  it('fails when a request cannot be read', () => {
    const [wire, peer] = open(echo)
    peer.lines()

    peer.send({ type: 'PAYLOAD', id: 1, flags: 'N', data: '{' })
    wire.advance(0)

    expect(peer.lines()).toEqual([expect.stringMatching(/^ERROR 1 \w+ not_decodable$/)])
  })

  it('goes on after the requests have ended', () => {
    const [wire, peer] = open(({ messages }) => concat(messages, of(messageOf('more'))))

    peer.item(1, 'a', 'NC')
    wire.advance(0)

    expect(peer.lines()).toEqual([
      'REQUEST_N 1 n=4',
      'PAYLOAD 1 N "a"',
      'REQUEST_N 1 n=1',
      'PAYLOAD 1 N "more"',
      'PAYLOAD 1 C',
    ])
  })

  it('says CANCEL for requests it wants no more', () => {
    const [wire, peer] = open(({ messages }) => concat(messages.pipe(take(1)), NEVER))
    peer.item(1, 'a')
    peer.item(1, 'late')
    wire.advance(0)

    expect(peer.lines()).toEqual(['REQUEST_N 1 n=4', 'PAYLOAD 1 N "a"', 'CANCEL 1'])
    expect(running(wire.accepted[0])).toBe(1)
  })

  it('says COMPLETE and CANCEL when it ends first', () => {
    const [wire, peer] = open(({ messages }) => messages.pipe(take(1)))

    peer.item(1, 'a')
    wire.advance(0)

    expect(peer.lines().toSorted()).toEqual(['CANCEL 1', 'PAYLOAD 1 C', 'PAYLOAD 1 N "a"', 'REQUEST_N 1 n=4'])
    expect(running(wire.accepted[0])).toBe(0)
  })

  it('needs no requests', () => {
    const [wire, peer] = open(() => of(messageOf('a')))

    expect(peer.lines()).toEqual(['PAYLOAD 1 N "a"', 'PAYLOAD 1 C', 'CANCEL 1'])
    expect(running(wire.accepted[0])).toBe(0)
  })

  it('gets its requests once', () => {
    const [wire, peer] = open(({ messages }) => merge(messages, messages))
    wire.advance(0)

    expect(peer.lines()).toContain('ERROR 1 APPLICATION_ERROR requests_subscribed_twice')
  })

  it.each(['CANCEL', 'ERROR'] as const)('is torn down by %s in its turn', type => {
    const torn: number[] = []
    const heard: string[] = []
    const [wire, peer] = open(({ messages }) =>
      merge(messages.pipe(tap({ error: ({ code }: RpcError) => heard.push(code) })), NEVER).pipe(
        finalize(() => torn.push(wire.runtime.scheduler.now())),
      ),
    )
    peer.lines()
    wire.advance(7)

    peer.send({ type, id: 1, ...(type === 'ERROR' && { word: 0x201, data: 'a' }) })
    wire.advance(3)

    expect(torn).toEqual([7])
    expect(peer.lines()).toEqual([])
    expect(running(wire.accepted[0])).toBe(0)
  })

  it('hears of CANCEL where it shares its requests', () => {
    const heard: string[] = []
    const [wire, peer] = open(({ messages }) => {
      messages.subscribe({ error: ({ code }: RpcError) => heard.push(code) })
      return NEVER
    })

    peer.send({ type: 'CANCEL', id: 1 })
    wire.advance(0)

    expect(heard).toEqual(['CANCELLED'])
  })

  it('hears of a lost connection where it shares its requests', () => {
    const heard: string[] = []
    const [wire, peer] = open(({ messages }) => {
      messages.subscribe({ error: ({ code }: RpcError) => heard.push(code) })
      return NEVER
    })

    peer.close()
    wire.advance(0)

    expect(heard).toEqual(['UNAVAILABLE'])
  })

  it('gives requests that are subscribed too late their end', () => {
    const late$ = new Subject<void>()
    const ends: string[] = []
    const [wire, peer] = open(({ messages }) => {
      late$.subscribe(() => messages.subscribe({ complete: () => ends.push('complete') }))
      return NEVER
    })

    peer.send({ type: 'PAYLOAD', id: 1, flags: 'C' })
    wire.advance(0)
    late$.next()

    expect(ends).toEqual(['complete'])
  })

  it('ignores what comes after the end of requests', () => {
    const [wire, peer] = open(echo)
    peer.lines()

    peer.item(1, 'a')
    peer.send({ type: 'PAYLOAD', id: 1, flags: 'C' })
    peer.item(1, 'late')
    wire.advance(0)

    expect(peer.lines()).toEqual(['PAYLOAD 1 N "a"', 'REQUEST_N 1 n=1', 'PAYLOAD 1 C'])
  })
})

/** What can end one half of a channel, from either side. */
const requesterEnds: { readonly [how: string]: (requests$: Subject<unknown>, unsubscribe: () => void) => void } = {
  'requests complete': requests$ => requests$.complete(),
  'requests fail': requests$ => requests$.error(new RpcError('ABORTED', 'a')),
  'the caller leaves': (_, unsubscribe) => unsubscribe(),
}
const responderEnds: { readonly [how: string]: (replies$: Subject<Message>) => void } = {
  'replies complete': replies$ => replies$.complete(),
  'replies fail': replies$ => replies$.error(new RpcError('ABORTED', 'a')),
  'nothing of the handler ends': () => {},
}

describe('both halves of a channel', () => {
  const orders = Object.keys(requesterEnds).flatMap(mine =>
    Object.keys(responderEnds).flatMap(theirs => [
      { mine, theirs, first: 'mine' },
      { mine, theirs, first: 'theirs' },
      { mine, theirs, first: 'both' },
    ]),
  )

  it.each(orders)('end when $mine and $theirs, $first first', ({ mine, theirs, first }) => {
    const wire = new VirtualWire({}, { latencyMs: 2 })
    const replies$ = new Subject<Message>()
    const heard$ = new Subject<void>()
    const handler = ({ messages }: StreamingCall): Observable<Message> =>
      merge(messages.pipe(ignoreElements(), tap({ complete: () => heard$.next() })), replies$)
    wire.serve(answering({ handler }))
    const connected = wire.connect()
    wire.advance(4)
    const requests$ = new Subject<unknown>()
    const replies = record(connected.connection.call(streaming('duplex', 'handler', requests$)))
    wire.advance(10)
    const myEnd = requesterEnds[mine] ?? (() => {})
    const theirEnd = responderEnds[theirs] ?? (() => {})

    if (first !== 'theirs') myEnd(requests$, () => replies.subscription.unsubscribe())
    if (first === 'mine') wire.advance(10)
    theirEnd(replies$)
    if (first === 'theirs') {
      wire.advance(10)
      myEnd(requests$, () => replies.subscription.unsubscribe())
    }
    wire.advance(10)
    // What waits for the other half waits for ever, as an Observable does.
    if (mine === 'requests complete' && theirs === 'nothing of the handler ends') replies.subscription.unsubscribe()
    wire.advance(10)

    expect([running(connected.connection), running(wire.accepted[0])]).toEqual([0, 0])
    expect([requests$.observed, replies$.observed]).toEqual([false, false])
  })
})

describe('a client stream', () => {
  it('gives its one reply', () => {
    const wire = new VirtualWire()
    wire.serve(answering({ sum }))
    const { connection } = wire.connect()

    const reply = record(connection.call(streaming('clientStream', 'sum', paced([1, 2, 3]))))
    wire.advance(0)

    expect(reply).toMatchObject({ values: [messageOf(3)], completed: true })
    expect([running(connection), running(wire.accepted[0])]).toEqual([0, 0])
  })

  it('asks for one reply and says so', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer()

    record(connection.call(streaming('clientStream', 'sum', NEVER)))
    wire.advance(0)

    expect(peer.received[0]?.[13]).toBe(0x01 | 0x08 | 0x10)
    expect(peer.lines()).toEqual(['REQUEST_CHANNEL 1 n=1'])
  })

  it('is answered as a client stream', () => {
    const wire = new VirtualWire()
    const kinds: string[] = []
    wire.serve(answering({ sum: (call: StreamingCall) => (kinds.push(call.kind), sum(call)) }))
    const peer = wire.rawClient()

    peer.request('REQUEST_CHANNEL', 1, 'sum', { n: 1, flags: 'C', oneReply: true })
    peer.request('REQUEST_CHANNEL', 3, 'sum', { n: 1, flags: 'C' })
    wire.advance(0)

    expect(kinds).toEqual(['clientStream', 'duplex'])
  })
})

describe('a server', () => {
  it('calls its client over the same connection', () => {
    const wire = new VirtualWire()
    const answers: unknown[] = []
    wire.serve(remote => ({
      call: () =>
        remote.call(single('unary', 'name')).pipe(
          tap(({ body }) => answers.push(body)),
          mergeMap(({ body }) => of(messageOf(`hello ${String(body)}`))),
        ),
    }))
    const { connection } = wire.connect({}, answering({ name: () => of(messageOf('ada')) }))

    const reply = record(connection.call(single('unary', 'greet')))
    wire.advance(0)

    expect(bodiesOf(reply)).toEqual(['hello ada'])
  })

  it('streams both ways with its client', () => {
    const wire = new VirtualWire()
    const replies: unknown[] = []
    wire.serve(remote => {
      remote.call(streaming('duplex', 'echo', paced([1, 2]))).subscribe(({ body }) => replies.push(body))
      return answering({ echo })
    })
    const { connection } = wire.connect({}, answering({ echo }))

    const own = record(connection.call(streaming('duplex', 'echo', paced([3, 4]))))
    wire.advance(0)

    expect([replies, bodiesOf(own)]).toEqual([
      [1, 2],
      [3, 4],
    ])
  })

  it('is refused by a client that serves nothing', () => {
    const wire = new VirtualWire()
    const errors: string[] = []
    wire.serve(remote => {
      remote.call(single('unary', 'name')).subscribe({ error: ({ reason }: RpcError) => errors.push(reason) })
      return answering({})
    })

    wire.connect()
    wire.advance(0)

    expect(errors).toEqual(['serves_nothing'])
  })

  it('uses even ids, its client odd ones', () => {
    const wire = new VirtualWire()
    wire.serve(remote => {
      for (let index = 0; index < 3; index++) remote.call(single('serverStream', 'name')).subscribe()
      return answering({})
    })

    const peer = wire.rawClient()

    expect(peer.lines()).toEqual(['REQUEST_STREAM 2 n=256', 'REQUEST_STREAM 4 n=256', 'REQUEST_STREAM 6 n=256'])
  })
})

describe('a tell', () => {
  it('completes when it is written', () => {
    const wire = new VirtualWire()
    const told: unknown[] = []
    wire.serve(answering({ note: ({ body }: { body: unknown }) => (told.push(body), EMPTY) }))
    const { connection } = wire.connect()

    const done = record(connection.call(single('tell', 'note', 'a')))
    const completedAtOnce = done.completed
    wire.advance(0)

    expect(completedAtOnce).toBe(true)
    expect(told).toEqual(['a'])
  })

  it.each([
    ['fails', () => throwError(() => new RpcError('INTERNAL', 'a'))],
    ['answers', () => of(messageOf('a'))],
    [
      'throws',
      () => {
        throw new TypeError('a')
      },
    ],
  ])('is answered by nothing when its handler %s', (_, note) => {
    const wire = new VirtualWire()
    wire.serve(answering({ note }))
    const peer = wire.rawClient()

    peer.request('REQUEST_FNF', 1, 'note', { body: 'a' })
    peer.request('REQUEST_FNF', 1, 'unknown', { body: 'a' })
    peer.send({ type: 'REQUEST_FNF', id: 3, metadata: Uint8Array.of(0, 9) })
    wire.advance(0)

    expect(peer.lines()).toEqual([])
    expect(peer.ending).toBe('open')
  })

  it('reaches the server although the connection closes', () => {
    const wire = new VirtualWire()
    const told: unknown[] = []
    wire.serve(answering({ note: ({ body }: { body: unknown }) => (told.push(body), EMPTY) }))
    const { connection, lifetime } = wire.connect()

    connection.call(single('tell', 'note', 'a')).subscribe({ complete: () => lifetime.subscription.unsubscribe() })
    wire.advance(0)

    expect(told).toEqual(['a'])
  })
})
