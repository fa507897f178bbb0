import { actor, type Actor, type TopicHandler } from 'millrace/actors'
import { pacedMap } from 'millrace/streams'
import type { ProcessContext } from 'millrace/testing'
import { count, delay, ignoreElements, of, timer } from 'rxjs'
import { Stock, type Line } from './contracts.js'
import { pacing } from './pacing.js'

/** The warehouse. It knows all prices, never runs out, and hears of orders. */
export function stock(context: ProcessContext, ordered: TopicHandler): Actor {
  const { name, note } = context
  return actor(
    Stock,
    {
      price: async item => {
        await Promise.resolve()
        return item.length
      },
      reserve: (line, { runtime }) =>
        of({ ...line, by: name }).pipe(delay(1 + 4 * runtime.random(), runtime.scheduler)),
      listing: lines,
      // Unpacking takes time, and keeps the lorry waiting.
      delivered: (line$, { runtime }) =>
        line$.pipe(
          pacedMap(line => of(line).pipe(delay(2, runtime.scheduler)), pacing(context, 2)),
          count(),
        ),
      damaged: ({ n }, { runtime }) => {
        note(`writes off ${n}`)
        return timer(1, runtime.scheduler).pipe(ignoreElements())
      },
    },
    ordered,
  )
}

function* lines(count: number): Iterable<Line> {
  for (let n = 1; n <= count; n++) yield { n, item: `item-${n}` }
}
