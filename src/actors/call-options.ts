import * as E from 'fp-ts/lib/Either.js'
import {
  emptyHeader,
  header as headerOf,
  having,
  MAX_TIMER_MS,
  mergeHeaders,
  number,
  optional,
  resolveOptions,
  text,
  type Check,
  type Checks,
  type Header,
} from '../core/index.js'
import type { Context } from './context.js'

/** What `stub.with(options)` says about the calls made through it; what is not said stays as it was. */
export interface CallOptions {
  /** Time from subscribing until the call must have ended, ms, ≤ 2_147_483_647. The earliest deadline counts. @default no limit */
  readonly deadlineMs?: number
  /** Header entries, laid over those of before; `undefined` leaves out. @default no entries */
  readonly header?: { readonly [name: string]: string | undefined }
  /** Calls with the same key go to the same node where the selector supports it. @default any node */
  readonly key?: string
  /** Cancels the calls when it aborts: they fail with its reason, CANCELLED if that is no `RpcError`. @default none */
  readonly signal?: AbortSignal
}

/** What applies to the calls of one stub. */
export interface CallDefaults {
  /** Header of each call. */
  readonly header: Header
  /** Time for each call, ms. */
  readonly deadlineMs: number | undefined
  /** When each call must have ended, on the clock of the runtime; handed on from the call that is being answered. */
  readonly notAfter: number | undefined
  /** Key of each call. */
  readonly key: string | undefined
  /** Cancels each call. */
  readonly signal: AbortSignal | undefined
}

/** Nothing said. */
export const noDefaults: CallDefaults = {
  header: emptyHeader,
  deadlineMs: undefined,
  notAfter: undefined,
  key: undefined,
  signal: undefined,
}

/** Header entries of a request that go on to the calls made for it: W3C trace context and baggage. */
const TRACE_HEADERS: readonly string[] = ['traceparent', 'tracestate', 'baggage']

type Resolved = { readonly [K in keyof CallOptions]-?: CallOptions[K] | undefined }

const checks: Checks<Resolved> = {
  deadlineMs: optional(number({ min: 0, max: MAX_TIMER_MS })),
  header: optional(having<Header>()),
  key: optional(text),
  signal: optional(having<AbortSignal>('aborted', 'addEventListener')),
}

/** `defaults` with options laid over; throws INVALID_ARGUMENT (reason `invalid_options` or `invalid_header`). */
export function withOptions(defaults: CallDefaults, options: CallOptions): CallDefaults {
  if (!fits(options)) resolveOptions<Resolved>('with', checks, options) // throws, with every fault
  const { deadlineMs, header, key, signal } = options
  return {
    header: header === undefined ? defaults.header : mergeHeaders(defaults.header, headerOf(header)),
    deadlineMs: deadlineMs ?? defaults.deadlineMs,
    notAfter: defaults.notAfter,
    key: key ?? defaults.key,
    signal: bothSignals(defaults.signal, signal),
  }
}

/** `with` stands in front of single calls: what was not given costs nothing. */
function fits(options: CallOptions): boolean {
  for (const name of Object.keys(options) as (keyof CallOptions)[]) {
    const check: Check<unknown> | undefined = checks[name]
    if (check === undefined || E.isLeft(check(options[name], name))) return false
  }
  return true
}

/** `defaults` with the deadline, the trace and the cancellation of a call that is being answered. */
export function withContext(defaults: CallDefaults, context: Context): CallDefaults {
  return {
    header: mergeHeaders(defaults.header, traceOf(context.header)),
    deadlineMs: defaults.deadlineMs,
    notAfter: earliest(defaults.notAfter, context.deadline),
    key: defaults.key,
    signal: bothSignals(defaults.signal, context.signal),
  }
}

/** The earlier of two times, either of which may not be set. */
export function earliest(first: number | undefined, second: number | undefined): number | undefined {
  if (first === undefined) return second
  return second === undefined || first < second ? first : second
}

function traceOf(header: Header): Header {
  if (header === emptyHeader) return emptyHeader
  const trace: { [name: string]: string | undefined } = {}
  for (const name of TRACE_HEADERS) trace[name] = header[name]
  return headerOf(trace)
}

function bothSignals(first: AbortSignal | undefined, second: AbortSignal | undefined): AbortSignal | undefined {
  if (first === undefined || second === undefined) return first ?? second
  return AbortSignal.any([first, second])
}
