import { Observable, type Subscription } from 'rxjs'
import { integer, optional, resolveOptions, RpcError, seededRuntime } from '../core/index.js'
import { deliver } from '../streams/index.js'
import { specRecorder } from './executed-spec.js'
import { laneDifference, laneOf, type Lane } from './lane.js'
import type { Deliveries, MarbleKit, MarbleValues } from './marble-kit.js'
import { recordedKit } from './recorded-kit.js'
import { sameValue } from './same-value.js'
import { invalidMarbles, parseMarbles, parseSubscription, VirtualTime, type SubscriptionLog } from './virtual-time.js'

/** Options of {@link marbles}. */
export interface MarblesOptions {
  /** Any 32-bit integer; draws the random numbers and ids of `runtime`. @default 1 */
  readonly seed?: number
  /** Most virtual time a spec may take, ms. @default 3_600_000, an hour: longer than any time-out under test */
  readonly maxMs?: number
  /** Most scheduled tasks a spec may run. @default 100_000, a tenth of a second or so */
  readonly maxTasks?: number
}

/**
 * Runs a marble spec in virtual time: synchronously, and hours in no time.
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
 * The expectations are checked when no work is left. The first that fails throws FAILED_PRECONDITION (reason
 * `marbles_differ`) with both lanes and a caret at the first difference.
 *
 * - Schedulers and timers of RxJS are virtual; promises are not, so keep them out.
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
  const expectations: Expectation[] = []
  const recorder = specRecorder()
  const kit = kitOf(time, seed, expectations)
  time.run(() => spec(recorder === undefined ? kit : recordedKit(kit, time, recorder)))
  for (const { difference, stack } of expectations) failOn(difference(), stack)
  const [left] = time.late
  if (left === undefined) return recorder?.tell()
  throw new RpcError(
    'FAILED_PRECONDITION',
    `marbles: everything expected had ended at ${time.quietSince} ms, but a timer ran at ${left} ms; ` +
      'what was it waiting for?',
    { reason: 'timers_left', details: { endedAt: time.quietSince, timers: time.late } },
  )
}

interface Expectation {
  /** What is wrong, if anything. */
  readonly difference: () => string | undefined
  /** Where it was written. */
  readonly stack: string
}

interface Seen {
  readonly frame: number
  readonly kind: 'next' | 'error' | 'complete'
  readonly value: unknown
}

function kitOf(time: VirtualTime, seed: number, expectations: Expectation[]): MarbleKit {
  let observed = 0
  const expecting = (difference: () => string | undefined): void => {
    const { stack = '' } = new RpcError('FAILED_PRECONDITION', 'expected here')
    expectations.push({ difference, stack: stack.slice(stack.indexOf('\n')) })
  }
  return {
    cold: (diagram, values, error) => time.createColdObservable(checked(diagram, values), values, error),
    hot: (diagram, values, error) => time.createHotObservable(checked(diagram, values), values, error),
    deliveries: (diagram, values, error) => deliveriesOf(time, checked(diagram, values), values, error),
    time: diagram => time.createTime(diagram),
    runtime: seededRuntime({ scheduler: time.owned, seed }),
    expectObservable(observable, subscription = '^') {
      const { subscribedFrame, unsubscribedFrame } = parseSubscription(subscription)
      const seen: Seen[] = []
      const see = (kind: Seen['kind'], value?: unknown): void => void seen.push({ frame: time.frame, kind, value })
      let subscribed: Subscription | undefined
      observed++
      time.schedule(() => {
        subscribed = observable.subscribe({
          next: value => see('next', value),
          error: error => see('error', error),
          complete: () => see('complete'),
        })
        subscribed.add(() => {
          if (--observed === 0) time.quietSince = time.frame
        })
      }, subscribedFrame)
      if (unsubscribedFrame < Infinity) time.schedule(() => subscribed?.unsubscribe(), unsubscribedFrame)
      return { toBe: (diagram, values, error = 'error') => expecting(expectedValues(diagram, values, error, seen)) }
    },
    expectSubscriptions: ({ subscriptions }) => ({
      toBe(diagrams) {
        const expected = [diagrams].flat().map(diagram => subscriptionLane(parseSubscription(diagram)))
        expecting(() => firstDifference(expected, subscriptions.map(subscriptionLane)))
      },
    }),
    expectCredits: ({ credits }) => ({
      toBe(diagram) {
        const expected = laneOf(parseMarbles(diagram).map(({ frame, letter }) => [frame, letter]))
        expecting(() => because('credits', laneDifference(expected, laneOf(credits))))
      },
    }),
  }
}

function deliveriesOf<T>(
  time: VirtualTime,
  diagram: string,
  values: MarbleValues<T> | undefined,
  failure: unknown,
): Deliveries<T> {
  if (/\p{Lu}/u.test(diagram)) throw invalidMarbles(diagram, 'letters of deliveries are lower case')
  const letters = time.createColdObservable(diagram, undefined, failure)
  const credits: (readonly [number, string])[] = []
  const subscriptions: SubscriptionLog[] = []
  const source = new Observable<T>(subscriber => {
    const log = { subscribedFrame: time.frame, unsubscribedFrame: Infinity }
    subscriptions.push(log)
    // The subscriber's own end, not that of the letters: an operator may let its source wait after completion.
    subscriber.add(() => (log.unsubscribedFrame = time.frame))
    return letters.subscribe({
      next: letter =>
        deliver(subscriber, valueOf(letter, values) as T, error => {
          credits.push([time.frame, error === undefined ? letter : letter.toUpperCase()])
        }),
      error: error => subscriber.error(error),
      complete: () => subscriber.complete(),
    })
  })
  return Object.assign(source, { subscriptions, credits })
}

function expectedValues(
  diagram: string,
  values: MarbleValues<unknown> | undefined,
  failure: unknown,
  seen: readonly Seen[],
): () => string | undefined {
  const expected = parseMarbles(checked(diagram, values)).map(({ frame, kind, letter }) => {
    const value = kind === 'next' ? valueOf(letter, values) : kind === 'error' ? failure : undefined
    return { frame, kind, letter, value }
  })
  const alike = (marble: (typeof expected)[number], { kind, value }: Seen): boolean =>
    marble.kind === kind && sameValue(marble.value, value)
  return () => {
    const notes: string[] = []
    const actual = seen.map((event, index): readonly [number, string] => {
      // Two letters may stand for one value, so the letter in this place comes first.
      const candidates = [...expected.slice(index, index + 1), ...expected]
      const marble = candidates.find(candidate => alike(candidate, event))?.letter ?? unexpected(event, values)
      if (marble === '?') notes.push(`? at ${event.frame} ms: ${event.kind} ${show(event.value)}`)
      return [event.frame, marble]
    })
    const difference = laneDifference(laneOf(expected.map(({ frame, letter }) => [frame, letter])), laneOf(actual))
    if (notes.length > 0) notes.push(...expected.filter(({ value }) => value !== undefined).map(legend))
    return because('notifications', difference && [difference, ...new Set(notes)].join('\n'))
  }
}

/** The letter of something that was not expected anywhere. */
function unexpected({ kind, value }: Seen, values: MarbleValues<unknown> | undefined): string {
  if (kind === 'complete') return '|'
  if (kind === 'error') return '?'
  if (values === undefined) return typeof value === 'string' && value.length === 1 ? value : '?'
  return Object.keys(values).find(letter => sameValue(values[letter], value)) ?? '?'
}

function legend({ letter, value }: { readonly letter: string; readonly value: unknown }): string {
  return `${letter} = ${show(value)}`
}

function subscriptionLane({ subscribedFrame, unsubscribedFrame }: SubscriptionLog): Lane {
  const ends: (readonly [number, string])[] = [
    [subscribedFrame, '^'],
    [unsubscribedFrame, '!'],
  ]
  return laneOf(ends.filter(([frame]) => frame < Infinity))
}

function firstDifference(expected: readonly Lane[], actual: readonly Lane[]): string | undefined {
  const count = Math.max(expected.length, actual.length)
  for (let index = 0; index < count; index++) {
    const difference = laneDifference(expected[index] ?? new Map(), actual[index] ?? new Map())
    if (difference !== undefined) return because(`subscription ${index + 1} of ${count}`, difference)
  }
  return undefined
}

function because(what: string, difference: string | undefined): string | undefined {
  return difference && `${what} differ from the diagram\n${difference}`
}

function failOn(difference: string | undefined, stack: string): void {
  if (difference === undefined) return
  const error = new RpcError('FAILED_PRECONDITION', `marbles: ${difference}`, { reason: 'marbles_differ' })
  error.stack = `${String(error)}${stack}` // where the expectation was written, not where it was checked
  throw error
}

/** Gives `diagram` when it can be read and every letter has a value. */
function checked(diagram: string, values: MarbleValues<unknown> | undefined): string {
  const marbles = parseMarbles(diagram)
  const unknown = values && marbles.find(({ kind, letter }) => kind === 'next' && !(letter in values))
  if (unknown !== undefined) throw invalidMarbles(diagram, `no value for ${unknown.letter}`)
  return diagram
}

function valueOf(letter: string, values: MarbleValues<unknown> | undefined): unknown {
  return values === undefined ? letter : values[letter]
}

function show(value: unknown): string {
  if (value === undefined) return ''
  if (value instanceof Error) return String(value)
  const text = JSON.stringify(value) ?? typeof value
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}
