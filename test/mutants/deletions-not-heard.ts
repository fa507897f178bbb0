import { map } from 'rxjs'
import { methodsOf, type Mutant } from './mutant.js'

/** A watch hears of what comes, and not of what goes. */
export const deletionsNotHeard: Mutant = {
  name: 'deletions not heard by watches',
  store: store => ({
    ...methodsOf(store),
    changes: (prefix, after) =>
      store
        .changes(prefix, after)
        .pipe(
          map(({ revision, changes }) => ({ revision, changes: changes.filter(({ value }) => value !== undefined) })),
        ),
  }),
}
