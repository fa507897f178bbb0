import { isRight } from 'fp-ts/lib/Either.js'
import type { Next, Selector } from 'millrace/selector'
import { map, pipe, scan } from 'rxjs'
import type { Mutant } from './mutant.js'

type Picked = ReturnType<Next>

/** A selector goes on picking with what it knew three snapshots ago, also for calls that have tried that. */
export const staleNodePicked: Mutant = {
  name: 'stale node picked after removal',
  selector:
    (selector): Selector =>
    context =>
      pipe(
        selector(context),
        scan((known: readonly Next[], next) => [...known.slice(-3), next], []),
        map((known): Next => ({ key }) => {
          const [stale, newest] = [known.at(0), known.at(-1)].map(next => (next as Next)({ key })) as [Picked, Picked]
          return isRight(stale) ? stale : newest
        }),
      ),
}
