import { filter, map } from 'rxjs'
import type { Invariant } from '../observed.js'

/** A call runs at one handler at most: whatever is sent again had not reached any. */
export const callsRunOnce: Invariant = {
  name: 'a call runs at one handler at most',
  violations: ({ calls$ }) =>
    calls$.pipe(
      filter(({ call, run, step }) => run !== undefined && step === 'started' && call.runs.length > 1),
      map(({ call: { id, route, runs } }) => {
        const places = runs.map(({ process, startedAt }) => `at ${process} from ${startedAt} ms`)
        return `call ${id}, ${route.contract}.${route.endpoint}, runs ${places.join(' and ')}`
      }),
    ),
}
