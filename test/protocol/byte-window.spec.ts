import { messageOf } from 'millrace/core'
import { paced, pacedMap } from 'millrace/streams'
import { compositeMetadata } from 'millrace/protocol/rsocket'
import { map, tap, timer } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { first } from '../support/first.js'
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

  it('does not hold back items for foreign peers', () => {
    const items = Array.from({ length: 20 }, () => large)

    expect(ahead(items, { metadata: compositeMetadata(), window: 16 })).toMatchObject({ done: 20, completed: true })
  })
})
