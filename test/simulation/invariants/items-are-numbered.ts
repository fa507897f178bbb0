import type { CallSide, Invariant } from 'millrace/testing'
import { concatMap, EMPTY, of } from 'rxjs'

/** Lines are counted from 1 wherever they pass, however many services they have come through. */
export const itemsAreNumbered: Invariant = {
  name: 'lines arrive in sequence through all services',
  violations: ({ calls$ }) =>
    calls$.pipe(
      concatMap(({ call, run, step }) => {
        const { kind, id, route } = call
        const isStream = step === 'reply' ? kind === 'serverStream' || kind === 'duplex' : kind.endsWith('x')
        if (!isStream) return EMPTY
        const side: CallSide = run ?? call
        const items = step === 'reply' ? side.replies : step === 'request' ? side.requests : []
        const [last] = items.slice(-1)
        if (last === undefined || last.startsWith(`{"n":${items.length},`)) return EMPTY
        const where = `call ${id}, ${route.contract}.${route.endpoint}, at ${side.process}`
        return of(`${where}: ${step} ${items.length} is ${last}`)
      }),
    ),
}
