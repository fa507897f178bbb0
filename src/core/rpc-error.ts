/**
 * The closed set of status codes, with gRPC's names and meanings
 * (https://grpc.io/docs/guides/status-codes/); success has no code.
 */
export const codes = [
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const

/** One of gRPC's sixteen error codes. */
export type Code = (typeof codes)[number]

/** A value that JSON carries without loss; what error details are made of. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** Whether, and when, the failed work may be tried again. */
export interface RetryAdvice {
  /** True when the failed work is known not to have run, or is safe to run again. */
  readonly safe: boolean
  /** Least time to wait before the next try, in ms; absent when the server asks for none. */
  readonly afterMs?: number
}

/** One place an error went through on its way to the caller, nearest to the cause first. */
export interface Hop {
  /** Name of the service, as registered. */
  readonly service: string
  /** Endpoint that was called, `contract.endpoint`. */
  readonly endpoint: string
  /** Id of the instance that answered, when known. */
  readonly node?: string
}

/** What an {@link RpcError} is made of, besides its code and message. */
export interface RpcErrorOptions {
  /** Stable, machine-readable cause in snake_case, listed in docs/errors.md. @default the code in lower case */
  readonly reason?: string
  /** The error or value that led to this one. Crosses the wire as name and message, eight levels deep. @default none */
  readonly cause?: unknown
  /**
   * Facts about the failure for programs; JSON, so that it crosses the wire unchanged. Details that are not JSON, or of
   * more than 1024 values or 16 levels, stay at home.
   * @default none
   */
  readonly details?: Json
  /** Advice for the caller. @default `{ safe: false }` */
  readonly retry?: RetryAdvice
  /** Where the error has been. @default `[]` */
  readonly hops?: readonly Hop[]
}

/** The plain form of an {@link RpcError}: what `toJSON` gives and what travels on the wire. */
export interface RpcErrorJson {
  /** {@link RpcError.code}. */
  readonly code: Code
  /** {@link RpcError.reason}. */
  readonly reason: string
  /** {@link RpcError.rawMessage}, without the code. */
  readonly message: string
  /** {@link RpcError.details}. @default none */
  readonly details?: Json
  /** {@link RpcError.retry}. @default `{ safe: false }` */
  readonly retry?: RetryAdvice
  /** {@link RpcError.hops}. @default `[]` */
  readonly hops?: readonly Hop[]
  /** The error or value that led to this one. @default none */
  readonly cause?: CauseJson
}

/** A cause as it travels: an {@link RpcErrorJson}, or the name and message of any other error. */
export type CauseJson = RpcErrorJson | { readonly name: string; readonly message: string; readonly cause?: CauseJson }

const BRAND: unique symbol = Symbol.for('millrace.RpcError') as never
const CAUSE_DEPTH = 8
const MAX_HOPS = 32
/** Most characters of a message, and of the names in hops, that cross the wire. */
const MAX_MESSAGE = 8192
const MAX_NAME = 256
/** Most values in details, and their deepest nesting, that cross the wire. */
const MAX_DETAILS = 1024
const DETAILS_DEPTH = 16
const REASON = /^[a-z][a-z0-9_]{0,63}$/
const SAFE: RetryAdvice = Object.freeze({ safe: true })
const UNSAFE: RetryAdvice = Object.freeze({ safe: false })
const NO_HOPS: readonly Hop[] = Object.freeze([])

/**
 * The one error class of the library: every error that millrace raises or passes on is an `RpcError`.
 *
 * It survives the wire whole: code, reason, message (to 8192 characters), details, retry advice, hops and the chain of
 * causes arrive as they were raised; only a cause that is no `RpcError` arrives as an `Error` with its name and message. Stacks stay at
 * home. `String(error)` and `stack` begin with `RpcError: [CODE] message`.
 *
 * Copies of the package in one process recognise each other's errors; use {@link RpcError.is}, not `instanceof`.
 */
export class RpcError extends Error {
  override readonly name = 'RpcError'
  /** What kind of failure this is. */
  readonly code: Code
  /** Stable name of the exact failure, listed with its remedy in docs/errors.md. */
  readonly reason: string
  /** Facts for programs, JSON. */
  readonly details: Json | undefined
  /** Whether trying again is safe. */
  readonly retry: RetryAdvice
  /** Where the error has been, nearest to the cause first. */
  readonly hops: readonly Hop[]

  /** Makes an error with `message` = what failed, with which input and numbers. */
  constructor(code: Code, message: string, options: RpcErrorOptions = {}) {
    super(`[${code}] ${message}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.reason = options.reason ?? code.toLowerCase()
    this.details = options.details
    this.retry = options.retry ?? UNSAFE
    this.hops = options.hops ?? NO_HOPS
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** The message without the leading `[CODE]`. */
  get rawMessage(): string {
    return this.message.slice(this.code.length + 3)
  }

  /** Whether `value` is an `RpcError` of this or another copy of the package. */
  static is(value: unknown): value is RpcError {
    return typeof value === 'object' && value !== null && (value as { [BRAND]?: unknown })[BRAND] === true
  }

  /**
   * Makes an `RpcError` of anything thrown. The rules, in order:
   * an `RpcError` stays itself; an `AbortError` is CANCELLED; a `TimeoutError` (the platform's or RxJS's) is
   * DEADLINE_EXCEEDED; whatever else is `code`, with the thrown value as its cause.
   */
  static from(value: unknown, code: Code = 'UNKNOWN', options: Omit<RpcErrorOptions, 'cause'> = {}): RpcError {
    if (RpcError.is(value)) return value
    const name = value instanceof Error ? value.name : ''
    const known = name === 'AbortError' ? 'CANCELLED' : name === 'TimeoutError' ? 'DEADLINE_EXCEEDED' : code
    return new RpcError(known, textOf(value), { ...options, cause: value })
  }

  /**
   * Reads the plain form back; `undefined` when `value` is no error of ours. Never throws, whatever a peer sent: parts
   * that are not as {@link RpcErrorJson} says are left out, long messages cut, causes read eight levels deep.
   */
  static fromJSON(value: unknown): RpcError | undefined {
    return readError(value, CAUSE_DEPTH)
  }

  /** This error with one more hop at the end; the original keeps its own. */
  via(hop: Hop): RpcError {
    const { reason, details, retry, cause } = this
    const hops = [...this.hops, hop]
    const error = new RpcError(this.code, this.rawMessage, {
      reason,
      retry,
      cause,
      hops,
      ...(details !== undefined && { details }),
    })
    if (this.stack !== undefined) error.stack = this.stack
    return error
  }

  /** The plain form, JSON-safe; empty parts are left out. */
  toJSON(): RpcErrorJson {
    return errorJson(this, CAUSE_DEPTH)
  }
}

/** Advice for failures of work that never ran: `{ safe: true }`. */
export const retrySafely: RetryAdvice = SAFE

function errorJson(error: RpcError, depth: number): RpcErrorJson {
  const { code, reason, rawMessage, details, retry, hops, cause } = error
  return {
    code,
    reason,
    message: cut(rawMessage),
    ...(details !== undefined && isJson(details) && { details }),
    ...((retry.safe || retry.afterMs !== undefined) && { retry }),
    ...(hops.length > 0 && { hops }),
    ...(cause !== undefined && depth > 0 && { cause: causeJson(cause, depth - 1) }),
  }
}

function causeJson(cause: unknown, depth: number): CauseJson {
  if (RpcError.is(cause)) return errorJson(cause, depth)
  if (!(cause instanceof Error)) return { name: typeof cause, message: cut(textOf(cause)) }
  const { name, cause: inner }: { name: unknown; cause?: unknown } = cause
  const message = cut(textOf(cause))
  return {
    name: String(name),
    message,
    ...(inner !== undefined && depth > 0 && { cause: causeJson(inner, depth - 1) }),
  }
}

function readError(value: unknown, depth: number): RpcError | undefined {
  if (!isRecord(value) || !isCode(value['code']) || typeof value['message'] !== 'string') return undefined
  const { code, message, reason, details, retry, hops, cause } = value
  return new RpcError(code, cut(message), {
    ...(typeof reason === 'string' && REASON.test(reason) && { reason }),
    ...(details !== undefined && isJson(details) && { details }),
    ...(isRecord(retry) && { retry: readRetry(retry) }),
    ...(Array.isArray(hops) && { hops: hops.slice(0, MAX_HOPS).filter(isHop).map(readHop) }),
    ...(depth > 0 && { cause: readCause(cause, depth - 1) }),
  })
}

function readCause(value: unknown, depth: number): Error | undefined {
  const error = readError(value, depth)
  if (error !== undefined) return error
  if (!isRecord(value) || typeof value['message'] !== 'string') return undefined
  const inner = depth > 0 ? readCause(value['cause'], depth - 1) : undefined
  const cause = new Error(cut(value['message']), inner && { cause: inner })
  if (typeof value['name'] === 'string') cause.name = value['name'].slice(0, MAX_NAME)
  return cause
}

function readRetry({ safe, afterMs }: Record<string, unknown>): RetryAdvice {
  return { safe: safe === true, ...(typeof afterMs === 'number' && afterMs >= 0 && afterMs < Infinity && { afterMs }) }
}

function readHop({ service, endpoint, node }: Hop): Hop {
  return { service, endpoint, ...(isName(node) && { node }) }
}

function isHop(value: unknown): value is Hop {
  return isRecord(value) && isName(value['service']) && isName(value['endpoint'])
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_NAME
}

/** Well-formed, because half a surrogate pair, left by a cut somewhere, would keep a codec from sending the error. */
function cut(message: string): string {
  return (message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE - 1)}…` : message).toWellFormed()
}

/** Whether `value` is JSON of a size fit for details; hostile values cost no more than the limits. */
function isJson(value: unknown): value is Json {
  let left = MAX_DETAILS
  const fits = (part: unknown, depth: number): boolean => {
    if (--left < 0) return false
    if (part === null || typeof part === 'boolean') return true
    if (typeof part === 'number') return Number.isFinite(part)
    if (typeof part === 'string') return part.isWellFormed()
    if (typeof part !== 'object' || depth === 0) return false
    if (Array.isArray(part)) return part.length <= left && Array.from(part).every(item => fits(item, depth - 1))
    const prototype: unknown = Object.getPrototypeOf(part)
    if (prototype !== Object.prototype && prototype !== null) return false
    return Object.entries(part).every(([name, item]) => name !== '__proto__' && fits(item, depth - 1))
  }
  return fits(value, DETAILS_DEPTH)
}

function isCode(value: unknown): value is Code {
  return (codes as readonly unknown[]).includes(value)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textOf(value: unknown): string {
  try {
    if (value instanceof Error) value = value.message || value.name
    if (typeof value === 'string') return value
    return JSON.stringify(value) ?? String(value)
  } catch {
    return Object.prototype.toString.call(value) // cyclic, or a hostile toJSON
  }
}
