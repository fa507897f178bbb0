import { eventBus, on, topic, type TopicHandler } from 'millrace/actors'
import { pacedMap } from 'millrace/streams'
import type { ProcessContext } from 'millrace/testing'
import { catchError, EMPTY, ignoreElements, tap, timer, type Observable } from 'rxjs'
import type { Ledger, Queue } from './ledger.js'
import { pacing } from './pacing.js'

const OrderPlaced = topic<string>('order.placed')

/** Handles placed orders as a member of a queue group, each for some milliseconds. */
export function handleOrders(context: ProcessContext, queue: Queue, ledger: Ledger): TopicHandler {
  const { runtime } = context
  const handle = (order: string): Observable<unknown> =>
    timer(5 + 20 * runtime.random(), runtime.scheduler).pipe(tap({ complete: () => ledger.handle(order, queue) }))
  return on(OrderPlaced, pacedMap(handle, pacing(context, 4)), { queue: queue.name, window: 8 })
}

/** Publishes a placed order. Who cannot reach the broker goes without. */
export function publishOrder(
  { broker, runtime, log }: ProcessContext,
  order: string,
  ledger: Ledger,
): Observable<never> {
  return eventBus(broker, { runtime, log })
    .publish(OrderPlaced, order)
    .pipe(
      tap(() => ledger.confirm(order)),
      ignoreElements(),
      catchError(() => EMPTY),
    )
}
