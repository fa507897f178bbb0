import { isRight } from 'fp-ts/lib/Either.js'
import type { Next, Selector } from 'millrace/selector'
import { map, pipe, scan } from 'rxjs'
import type { Mutant } from './mutant.js'

/** A selector goes on picking with what it knew three snapshots ago. */
export const staleNodePicked: Mutant = {
  name: 'stale node picked after removal',
  selector:
    (selector): Selector =>
    context =>
      pipe(
        selector(context),
        scan((known: readonly Next[], next) => [...known.slice(-3), next], []),
        map(([oldest, ...newer]): Next => pick => {
          const stale = oldest?.(pick)
          return stale !== undefined && isRight(stale) ? stale : (newer.at(-1) ?? (oldest as Next))(pick)
        }),
      ),
}
