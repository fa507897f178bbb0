import type { Kind } from 'millrace/protocol'
import type { Invariant } from 'millrace/testing'
import { Observable } from 'rxjs'

/** How many calls of each kind. */
export type CallCounts = { readonly [K in Kind]: number }

/** Calls of no kind yet. */
export const noCalls: CallCounts = { unary: 0, serverStream: 0, clientStream: 0, duplex: 0, tell: 0 }

/** Counts the calls of a run into `counts`; it finds nothing. */
export function countCalls(counts: { -readonly [K in Kind]: number }): Invariant {
  return {
    name: 'calls are counted',
    violations: ({ calls$ }) =>
      new Observable(() =>
        calls$.subscribe(({ call: { kind }, run, step }) => {
          if (run === undefined && step === 'started') counts[kind]++
        }),
      ),
  }
}
