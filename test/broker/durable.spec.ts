import { durableBroker, type Event, memoryLog, nativeEnvelope } from 'millrace/broker'
import { json } from 'millrace/codec'
import { messageOf, silentLog } from 'millrace/core'
import { testBroker } from 'millrace/testing/compliance'
import { config, Subscriber } from 'rxjs'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../support/deadline.js'

function durable() {
  const logs = { messages: memoryLog(), dead: memoryLog() }
  return durableBroker(logs, { envelope: nativeEnvelope(json()), backoffMs: [1], log: silentLog })
}

testBroker({ describe, it }, { name: 'durableBroker', setup: () => ({ broker: durable() }) })

/** A subscriber made by hand, whose first event throws out of it. */
class Throwing extends Subscriber<Event> {
  readonly bodies: unknown[] = []

  protected override _next({ message }: Event): void {
    this.bodies.push(message.body)
    if (this.bodies.length === 1) throw new TypeError('the first one')
  }
}

describe('durableBroker', () => {
  afterEach(() => {
    config.onUnhandledError = null
  })

  it('goes on after a subscriber that throws', async () => {
    const unhandled: unknown[] = []
    config.onUnhandledError = error => unhandled.push(error)
    const broker = durable()
    const subscriber = new Throwing()
    broker.subscribe('t').subscribe(subscriber)

    broker.publish('t', messageOf(1)).subscribe()
    broker.publish('t', messageOf(2)).subscribe()
    await eventually(() => subscriber.bodies.length === 2 && unhandled.length === 1, 1000, 'both events')
    subscriber.unsubscribe()

    expect(subscriber.bodies).toEqual([1, 2])
  })
})
