import { actor, type Actor, type Client, type TopicHandler } from 'millrace/actors'
import { pacedMap } from 'millrace/streams'
import type { ProcessContext } from 'millrace/testing'
import { firstValueFrom, map, reduce } from 'rxjs'
import { Orders, Shop, Stock } from './contracts.js'
import { pacing } from './pacing.js'

/** What buyers call; behind it, the other services do the work. */
export function gateway(process: ProcessContext, client: Client, ordered: TopicHandler): Actor {
  const stock = client.of(Stock)
  const orders = client.of(Orders)
  return actor(
    Shop,
    {
      quote: (item, context) => stock.with(context).price(item),
      buy: async (line, context) => {
        const { n, item } = await firstValueFrom(stock.with(context).reserve(line))
        return orders.with(context).promise.place({ n, item })
      },
      catalogue: (count, context) => stock.with(context).listing(count).pipe(orders.with(context).label),
      worth: (item$, context) =>
        item$.pipe(
          pacedMap(stock.with(context).price, pacing(process, 4)),
          reduce((sum, price) => sum + price, 0),
        ),
      basket: (line$, context) =>
        line$.pipe(
          pacedMap(stock.with(context).reserve, pacing(process, 1)),
          map(({ n, item }) => ({ n, item })),
          orders.with(context).label,
        ),
      visited: (line, context) => stock.with(context).damaged(line),
    },
    ordered,
  )
}
