import { Observable } from 'rxjs'
import { deliver } from '../streams/index.js'
import { valueOf } from './checked-diagram.js'
import type { Deliveries, MarbleValues } from './observable-kit.js'
import { invalidMarbles, type SubscriptionLog, type VirtualTime } from './virtual-time.js'

/** A source of deliveries that plays `diagram`. */
export function deliveriesOf<T>(
  time: VirtualTime,
  diagram: string,
  values: MarbleValues<T> | undefined,
  failure: unknown,
): Deliveries<T> {
  if (/\p{Lu}/u.test(diagram)) throw invalidMarbles(diagram, 'letters of deliveries are lower case')
  const letters = time.createColdObservable(diagram, undefined, failure)
  const credits: (readonly [number, string])[] = []
  const subscriptions: SubscriptionLog[] = []
  const source = new Observable<T>(subscriber => {
    const log = { subscribedFrame: time.frame, unsubscribedFrame: Infinity }
    subscriptions.push(log)
    // The subscriber's own end, not that of the letters: an operator may let its source wait after completion.
    subscriber.add(() => (log.unsubscribedFrame = time.frame))
    return letters.subscribe({
      next: letter =>
        deliver(subscriber, valueOf(letter, values) as T, error => {
          credits.push([time.frame, error === undefined ? letter : letter.toUpperCase()])
        }),
      error: error => subscriber.error(error),
      complete: () => subscriber.complete(),
    })
  })
  return Object.assign(source, { subscriptions, credits })
}
