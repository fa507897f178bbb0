import { messageOf } from 'millrace/core'
import { pacedMap } from 'millrace/streams'
import type { ProcessContext } from 'millrace/testing'
import { catchError, defer, EMPTY, ignoreElements, retry, takeUntil, tap, timer, type Observable } from 'rxjs'
import type { Ledger, Queue } from './ledger.js'
import { pacing } from './pacing.js'

const TOPIC = 'order.placed'

/** Handles placed orders as a member of a queue group, each for some milliseconds, until the process is told to stop. */
export function handleOrders(context: ProcessContext, queue: Queue, ledger: Ledger): Observable<unknown> {
  const { broker, runtime, stop$ } = context
  const { scheduler } = runtime
  return broker.subscribe(TOPIC, { queue: queue.name, window: 8 }).pipe(
    pacedMap(
      ({ message }) =>
        timer(5 + 20 * runtime.random(), scheduler).pipe(
          tap({ complete: () => ledger.handle(String(message.body), queue) }),
        ),
      pacing(context, 4),
    ),
    retry({ delay: () => timer(500, scheduler) }),
    takeUntil(stop$),
  )
}

/** Publishes a placed order. Who cannot reach the broker goes without. */
export function publishOrder({ broker }: ProcessContext, order: string, ledger: Ledger): Observable<never> {
  return defer(() => broker.publish(TOPIC, messageOf(order))).pipe(
    tap(() => ledger.confirm(order)),
    ignoreElements(),
    catchError(() => EMPTY),
  )
}
