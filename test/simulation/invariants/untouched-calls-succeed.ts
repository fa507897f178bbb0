import type { Invariant, ObservedCall } from 'millrace/testing'
import { Observable } from 'rxjs'
import { faultTouches } from './fault-touches.js'

/** How long a call of the shop may last when nothing is wrong, ms. */
const LONGEST_MS = 10_000

/** What a call may end with that no fault has touched: its caller may have given little time, or left, or the run is over. */
const expected: ReadonlySet<string | undefined> = new Set([
  'completed',
  'cancelled',
  'CANCELLED',
  'crashed',
  'DEADLINE_EXCEEDED',
])

/** A call that no fault touched ends, and unless its caller has had enough of it, it completes. */
export const untouchedCallsSucceed: Invariant = {
  name: 'calls that no fault touched succeed',
  violations: world =>
    new Observable(subscriber => {
      const open = new Set<ObservedCall>()
      const report = (call: ObservedCall, what: string): void => {
        const { id, route, process, startedAt } = call
        // A wrong clock is no harm to anybody.
        const faults = world.faults.filter(({ kind }) => kind !== 'skew')
        if (faultTouches(faults, startedAt, world.now())) return
        subscriber.next(`call ${id}, ${route.contract}.${route.endpoint} of ${process} from ${startedAt} ms, ${what}`)
      }
      subscriber.add(
        world.calls$.subscribe(({ call, run, step }) => {
          if (run !== undefined) return
          if (step === 'started') open.add(call)
          if (step !== 'ended') return
          open.delete(call)
          if (!expected.has(call.end)) report(call, `ends with ${call.end}`)
        }),
      )
      subscriber.add(
        world.events$.subscribe(() => {
          for (const call of open) {
            if (call.startedAt + LONGEST_MS > world.now()) return // those behind it are younger
            open.delete(call)
            report(call, `has not ended after ${LONGEST_MS} ms`)
          }
        }),
      )
    }),
}
