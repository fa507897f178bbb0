import { Observable } from 'rxjs'
import type { PullConsumer, PulledDelivery } from './pull-consumer.js'

/** Messages that are asked for at a time. */
const BATCH = 256

/** Everything that a consumer has, of which there is something; completes with the last that waits for it. */
export function readAll(consumer: PullConsumer): Observable<PulledDelivery> {
  return new Observable(subscriber => {
    let asked = BATCH
    subscriber.add(
      consumer.deliveries$.subscribe({
        next: delivery => {
          subscriber.next(delivery)
          if (delivery.pending === 0) subscriber.complete()
          else if (--asked === 0) consumer.request((asked = BATCH))
        },
        error: error => subscriber.error(error),
      }),
    )
    consumer.request(asked)
  })
}
