import { Observable, type Subject } from 'rxjs'
import type { Broker, Event } from '../../broker/index.js'
import { acknowledged, deliver, hold } from '../../streams/index.js'
import type { Life } from './life.js'
import type { MessageStep } from './observed.js'
import { within } from './reach.js'

/** Tells what becomes of the messages that a broker delivers to a life of a process, and ends with it. */
export function seenBroker(broker: Broker, life: Life, steps$: Subject<MessageStep>): Broker {
  const { process, life: number } = life
  let subscriptions = 0
  return {
    name: broker.name,
    status$: broker.status$,
    deadLetters: broker.deadLetters,
    publish: (topic, message, options) => within(life, broker.publish(topic, message, options)),
    subscribe: (topic, options = {}) =>
      new Observable(subscriber => {
        const { queue, ordered = false, ack = 'consumed' } = options
        const by = { process, life: number, subscription: ++subscriptions, queue, topic, ordered }
        steps$.next({ step: 'joined', ...by })
        subscriber.add(() => steps$.next({ step: 'left', ...by }))
        const next = (event: Event): void => {
          const { id, key, sequence = 0, attempt } = event
          const message = { id, key, sequence, attempt }
          steps$.next({ step: 'begun', ...by, message })
          const release = hold()
          const consumed = (error?: unknown): void => {
            // Told before the broker hears of it, which may deliver the next one at once.
            if (life.isLive() && ack !== 'manual') {
              steps$.next({ step: error === undefined ? 'done' : 'failed', ...by, message })
            }
            release?.(error)
          }
          deliver(subscriber, event, release?.naks === true ? acknowledged(consumed) : consumed)
        }
        subscriber.add(
          within(life, broker.subscribe(topic, options)).subscribe({
            next,
            error: error => subscriber.error(error),
          }),
        )
      }),
  }
}
