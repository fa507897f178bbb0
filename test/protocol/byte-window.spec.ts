import { messageOf, type Message } from 'millrace/core'
import { paced, pacedMap } from 'millrace/streams'
import { compositeMetadata } from 'millrace/protocol/rsocket'
import { ignoreElements, map, NEVER, tap, timer, type Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { first } from '../support/first.js'
import { frameBytes, u32, type FrameParts } from '../support/raw-frame.js'
import { record } from '../support/recording.js'
import { answering, single, VirtualWire } from '../support/virtual-wire.js'

const MIB = 1024 * 1024
const large = 'x'.repeat(MIB)

/** How far a source of `items` gets ahead of a consumer that takes 10 ms for each, at most and at the end. */
function ahead(items: readonly string[], options: ConstructorParameters<typeof VirtualWire>[0] = {}, concurrency = 1) {
  const wire = new VirtualWire(options)
  let [taken, done, most] = [0, 0, 0]
  function* source() {
    for (const item of items) {
      most = Math.max(most, ++taken - done)
      yield messageOf(item)
    }
  }
  wire.serve(answering({ items: () => paced(source()) }))
  const { connection } = wire.connect()
  const work = pacedMap(() => timer(10, wire.runtime.scheduler).pipe(tap({ complete: () => done++ })), { concurrency })
  const replies = record(connection.call(single('serverStream', 'items')).pipe(work, map(String)))
  wire.advance(100_000)
  return { most, done, completed: replies.completed, running: first(wire.accepted).running }
}

describe('windowBytes', () => {
  it('bounds large items on their way, of 4 MiB', () => {
    expect(ahead(Array.from({ length: 40 }, () => large))).toEqual({ most: 5, done: 40, completed: true, running: 0 })
  })

  it('lets one item through that is larger than it', () => {
    expect(
      ahead(
        Array.from({ length: 5 }, () => large),
        { windowBytes: 1 },
      ),
    ).toMatchObject({ most: 2, done: 5 })
  })

  it('leaves small items to the window', () => {
    const { most } = ahead(
      Array.from({ length: 1000 }, () => 'small'),
      { windowBytes: 1, window: 64 },
    )

    expect(most).toBeGreaterThanOrEqual(64)
  })

  it.each([1, 3, 8])('stalls no mixture of sizes, %i worked on at once', concurrency => {
    const items = Array.from({ length: 300 }, (_, index) => (index % 7 < 2 ? large : 'small'))

    expect(ahead(items, { windowBytes: 2 * MIB }, concurrency)).toMatchObject({ done: 300, completed: true })
  })

  it('goes on beside small items that are held for ever', () => {
    const wire = new VirtualWire()
    const items = [...Array.from({ length: 4 }, () => 'stuck'), ...Array.from({ length: 40 }, () => large)]
    let done = 0
    wire.serve(answering({ items: () => paced(items.map(messageOf)) }))
    const { connection } = wire.connect()
    const work = pacedMap<Message, Observable<unknown>>(
      ({ body }) =>
        body === 'stuck'
          ? NEVER
          : timer(10, wire.runtime.scheduler).pipe(tap({ complete: () => done++ }), ignoreElements()),
      { concurrency: 5 },
    )

    record(connection.call(single('serverStream', 'items')).pipe(work))
    wire.advance(100_000)

    expect(done).toBe(40)
  })

  const item = 'x'.repeat(20_000)
  const consumed = (bytes: number): FrameParts => ({
    type: 'EXT',
    id: 1,
    flags: 'I',
    word: 0x6d72_6362,
    data: Uint8Array.from(u32(bytes)),
  })

  it.each([20_002, 0xffff_ffff])('opens when %i bytes are consumed', bytes => {
    const wire = new VirtualWire({ windowBytes: 1 })
    wire.serve(answering({ items: () => paced([1, 2, 3].map(() => messageOf(item))) }))
    const peer = wire.rawClient()
    peer.request('REQUEST_STREAM', 1, 'items', { n: 99 })
    wire.advance(0)
    const atFirst = peer.received.length

    peer.send(consumed(bytes))
    wire.advance(0)

    expect([atFirst, peer.received.length]).toEqual([1, 2])
  })

  it('is told of large items, and of no others', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer()
    const replies = record(connection.call(single('serverStream', 'items')))
    wire.advance(0)
    peer.received.length = 0

    peer.item(1, 'small')
    peer.item(1, item)
    wire.advance(0)
    replies.subscription.unsubscribe()
    wire.advance(0)

    expect(peer.received).toEqual([frameBytes(consumed(20_002)), frameBytes({ type: 'CANCEL', id: 1 })])
  })

  it('does not hold back items for foreign peers', () => {
    const items = Array.from({ length: 20 }, () => large)

    expect(ahead(items, { metadata: compositeMetadata(), window: 16 })).toMatchObject({ done: 20, completed: true })
  })
})
