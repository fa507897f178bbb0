import { merge, Observable } from 'rxjs'
import type { CallSide, Invariant, ObservedCall } from '../observed.js'

/** Options of {@link callsEnd}. */
export interface CallsEndOptions {
  /**
   * How long one end of a call may last beyond the other, ms: longer than a peer takes to find out that a connection is
   * dead. @default 45_000, half as long again as RSocket's `maxLifetimeMs`
   */
  readonly patienceMs?: number
}

interface Overdue {
  readonly call: ObservedCall
  readonly open: CallSide
  readonly since: number
}

/**
 * No end of a call outlives the other: a call whose handler has ended or died ends at its caller, and a handler whose
 * caller has ended or cancelled is cancelled. A process that has crashed has no calls.
 */
export function callsEnd({ patienceMs = 45_000 }: CallsEndOptions = {}): Invariant {
  return {
    name: 'calls end at both ends',
    violations: world =>
      new Observable(subscriber => {
        const ended: Overdue[] = []
        let checked = 0
        const check = (): void => {
          for (; checked < ended.length; checked++) {
            const { call, open, since } = ended[checked] as Overdue
            if (since + patienceMs > world.now()) return
            if (open.end === undefined && world.isLive(open.process, open.life))
              subscriber.next(overdue(call, open, since))
          }
        }
        const steps = world.calls$.subscribe(({ call, run, step }) => {
          if (step !== 'ended') return
          const others = run === undefined ? call.runs : [call]
          for (const open of others) if (open.end === undefined) ended.push({ call, open, since: world.now() })
        })
        subscriber.add(steps)
        subscriber.add(merge(world.events$, world.end$).subscribe(check))
      }),
  }
}

function overdue({ id, route: { contract, endpoint }, process }: ObservedCall, open: CallSide, since: number): string {
  const which = open.process === process ? 'is still open at its caller' : `still runs at ${open.process}`
  return `call ${id}, ${contract}.${endpoint} of ${process}, ${which}, although the other end was over at ${since} ms`
}
