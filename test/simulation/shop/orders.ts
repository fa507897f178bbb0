import { actor, type Actor } from 'millrace/actors'
import type { ProcessContext } from 'millrace/testing'
import { concat, interval, map, merge, of, take } from 'rxjs'
import { publishBooking } from './bookings.js'
import { Orders } from './contracts.js'
import type { Ledger } from './ledger.js'
import { publishOrder } from './order-events.js'

/** Takes orders and tells the broker of them. */
export function orders(context: ProcessContext, ledger: Ledger): Actor {
  const { name, life } = context
  const bookings = context.createBroker()
  let placed = 0
  return actor(Orders, {
    place: () => {
      const order = `${name}-${life}-${++placed}`
      return concat(merge(publishOrder(context, order, ledger), publishBooking(context, bookings, placed)), of(order))
    },
    label: line$ => line$.pipe(map(({ n, item }) => ({ n, item: `${item} of ${name}` }))),
    history: (count, { runtime }) =>
      interval(100, runtime.scheduler).pipe(
        take(count),
        map(index => ({ n: index + 1, item: `order-${index}` })),
      ),
  })
}
