import type { StoreRecord } from 'millrace/registry'
import { map } from 'rxjs'
import { methodsOf, type Mutant } from './mutant.js'

/** A watch that lists again adds what has come, and forgets to take out what has gone. */
export const removalsForgotten: Mutant = {
  name: 'removals in a gap forgotten',
  store: store => {
    const seen = new Map<string, StoreRecord>()
    return {
      ...methodsOf(store),
      list: prefix =>
        store.list(prefix).pipe(
          map(({ revision, records }) => {
            for (const record of records) seen.set(record.key, record)
            return { revision, records: [...seen.values()].filter(({ key }) => key.startsWith(prefix)) }
          }),
        ),
    }
  },
}
