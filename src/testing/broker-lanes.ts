import { map, mergeMap, Observable, type OperatorFunction } from 'rxjs'
import type { Broker, Event, SubscribeOptions } from '../broker/index.js'
import { messageOf } from '../core/index.js'
import { redeliver } from '../streams/index.js'
import type { Expectations } from './expectations.js'
import { laneDifference, laneOf } from './lane.js'
import type { MarbleValues, ObservableKit } from './observable-kit.js'
import { parseMarbles, type VirtualTime } from './virtual-time.js'

/** A subscriber of a broker under test. */
export interface Subscribed {
  /** Expects the bodies of the events that are delivered to it, at their time. It subscribes. */
  expectDeliveries(diagram: string, values?: MarbleValues<unknown>): void
  /** Expects when its events are acknowledged: their letters, in upper case for those that come again. */
  expectAcks(diagram: string): void
}

/** The lanes of a broker under test. */
export interface BrokerLanes {
  /** Publishes the values of the letters, and expects that the broker takes each in the same millisecond. */
  publish(topic: string, diagram: string, values?: MarbleValues<unknown>): void
  /**
   * Subscribes from `'^'` to `'---!'`, and lets `work` have the events: a `pacedMap` acknowledges when it is done.
   * Deliveries are told before the work.
   */
  subscribe(
    topic: string,
    subscription: string,
    work?: OperatorFunction<Event, unknown>,
    options?: SubscribeOptions,
  ): Subscribed
}

/** The lanes of `broker`. */
export function brokerLanes(
  broker: Broker,
  kit: ObservableKit,
  time: VirtualTime,
  expectations: Expectations,
): BrokerLanes {
  const letters = new Map<unknown, string>()
  return {
    publish(topic, diagram, values) {
      for (const { kind, letter } of parseMarbles(diagram)) {
        if (kind === 'next') letters.set(values === undefined ? letter : values[letter], letter)
      }
      const published$ = kit
        .hot<unknown>(diagram, values)
        .pipe(mergeMap(body => broker.publish(topic, messageOf(body)).pipe(map(() => body))))
      kit.expectObservable(published$).toBe(diagram, values)
    },
    subscribe(topic, subscription, work = source => source, options = {}) {
      const acks: (readonly [number, string])[] = []
      const delivered$ = new Observable<unknown>(subscriber => {
        const events$ = new Observable<Event>(worker =>
          broker.subscribe(topic, options).subscribe({
            next: event => {
              const { body } = event.message
              subscriber.next(body)
              const settled = (isAcked: boolean): void => {
                const letter = letters.get(body) ?? '?'
                acks.push([time.frame, isAcked ? letter : letter.toUpperCase()])
              }
              if (options.ack === 'manual') redeliver(worker, watched(event, settled), () => {})
              else redeliver(worker, event, error => settled(error === undefined))
            },
            error: error => worker.error(error),
          }),
        )
        return events$.pipe(work).subscribe({ error: error => subscriber.error(error) })
      })
      return {
        expectDeliveries: (diagram, values) => kit.expectObservable(delivered$, subscription).toBe(diagram, values),
        expectAcks(diagram) {
          const expected = laneOf(parseMarbles(diagram).map(({ frame, letter }) => [frame, letter]))
          expectations.expect('acks', () => laneDifference(expected, laneOf(acks)))
        },
      }
    },
  }
}

/** An event that tells how it is settled by hand. */
function watched(event: Event, settled: (isAcked: boolean) => void): Event {
  return {
    ...event,
    ack: () => {
      event.ack()
      settled(true)
    },
    nak: delayMs => {
      event.nak(delayMs)
      settled(false)
    },
    reject: error => {
      event.reject(error)
      settled(false)
    },
  }
}
