import type { Invariant } from 'millrace/testing'
import { filter, map } from 'rxjs'

/** No call takes more than half a second; a fault that stops one breaks it. */
export const callsAreQuick: Invariant = {
  name: 'calls are quick',
  violations: ({ calls$ }) =>
    calls$.pipe(
      filter(
        ({ call, run, step }) => run === undefined && step === 'ended' && (call.endedAt ?? 0) > call.startedAt + 500,
      ),
      map(({ call: { id, startedAt } }) => `call ${id}, made at ${startedAt} ms, was not`),
    ),
}
