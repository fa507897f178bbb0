import { integer, optional, resolveOptions, RpcError } from '../core/index.js'
import { specRecorder } from './executed-spec.js'
import { Expectations } from './expectations.js'
import { givenLanes } from './given-lanes.js'
import type { MarbleKit } from './marble-kit.js'
import { recordedKit } from './recorded-kit.js'
import { virtualKit } from './virtual-kit.js'
import { VirtualTime } from './virtual-time.js'

/** Options of {@link marbles}. */
export interface MarblesOptions {
  /** Any 32-bit integer; draws the random numbers and ids of `runtime`. @default 1 */
  readonly seed?: number
  /** Most virtual time a spec may take, ms. @default 3_600_000, an hour: longer than any time-out under test */
  readonly maxMs?: number
  /** Most scheduled tasks a spec may run, and items that may come in one turn. @default 100_000, a tenth of a second or so */
  readonly maxTasks?: number
}

/**
 * Runs a marble spec in virtual time: synchronously, and hours in no time. Of Observables:
 *
 * ```ts
 * marbles(({ deliveries, expectObservable, expectCredits, cold, runtime }) => {
 *   const words = deliveries('ab|')
 *   const looked = words.pipe(pacedMap(() => cold('--x|'), { concurrency: 1, runtime }))
 *
 *   expectObservable(looked).toBe('--x--(x|)')
 *   expectCredits(words).toBe('   ---a--b')
 * })
 * ```
 * Of services, brokers and selectors:
 *
 * ```ts
 * marbles(({ given, requests, expectReplies }) => {
 *   given(words, 'tally')
 *   requests('     -a-b-|', { a: 'to', b: 'be' })
 *   expectReplies('-x-y-|', { x: { to: 1 }, y: { to: 1, be: 1 } })
 * })
 * ```
 * The expectations are checked when no work is left. The first that fails throws FAILED_PRECONDITION (reason
 * `marbles_differ`) with both lanes, a caret at the first difference, values, and the line of the spec.
 *
 * - Schedulers and timers of RxJS are virtual; promises are not: a handler that gives one, or an async iterable, fails the
 *   spec, which names it, and so does a spec that is an async function (FAILED_PRECONDITION, reason `promise_in_marbles`).
 * - A call that is left open, or drawn and not made, fails the spec (FAILED_PRECONDITION, reason `work_left`).
 * - Work that goes on for ever fails with RESOURCE_EXHAUSTED (reason `marbles_runaway`).
 * - A timer of `runtime` that is left when everything expected has ended fails the spec (reason `timers_left`).
 * - A malformed diagram throws INVALID_ARGUMENT (reason `invalid_marbles`).
 */
export function marbles(spec: (kit: MarbleKit) => void, options?: MarblesOptions): void {
  const { seed, maxMs, maxTasks } = resolveOptions<Required<MarblesOptions>>(
    'marbles',
    {
      seed: optional(integer(), 1),
      maxMs: optional(integer({ min: 1 }), 3_600_000),
      maxTasks: optional(integer({ min: 1 }), 100_000),
    },
    options,
  )
  const time = new VirtualTime(maxMs, maxTasks)
  const expectations = new Expectations()
  const recorder = specRecorder()
  const plain = virtualKit(time, seed, expectations)
  const kit = recorder === undefined ? plain : recordedKit(plain, time, recorder)
  const given: unknown = time.run((): unknown => spec({ ...kit, ...givenLanes(kit, time, expectations) }))
  if (given instanceof Promise) throw asyncSpec(given)
  expectations.check()
  const [left] = time.late
  if (left === undefined) return recorder?.tell()
  throw new RpcError(
    'FAILED_PRECONDITION',
    `marbles: everything expected had ended at ${time.quietSince} ms, but a timer ran at ${left} ms; ` +
      'what was it waiting for?',
    { reason: 'timers_left', details: { endedAt: time.quietSince, timers: time.late } },
  )
}

function asyncSpec(given: Promise<unknown>): RpcError {
  given.catch(() => {}) // what it would have expected is not told
  const message = 'marbles: the spec gives a promise, but it has to be drawn when it returns; await before marbles'
  return new RpcError('FAILED_PRECONDITION', message, { reason: 'promise_in_marbles' })
}
