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
  /** The error or value that led to this one. Crosses the wire as name and message, eight levels deep. */
  readonly cause?: unknown
  /** Facts about the failure for programs; JSON, so that it crosses the wire unchanged. */
  readonly details?: Json
  /** Advice for the caller. @default `{ safe: false }` */
  readonly retry?: RetryAdvice
  /** Where the error has been. @default `[]` */
  readonly hops?: readonly Hop[]
}

/** The plain form of an {@link RpcError}: what `toJSON` gives and what travels on the wire. */
export interface RpcErrorJson {
  readonly code: Code
  readonly reason: string
  readonly message: string
  readonly details?: Json
  readonly retry?: RetryAdvice
  readonly hops?: readonly Hop[]
  readonly cause?: CauseJson
}

/** A cause as it travels: an {@link RpcErrorJson}, or the name and message of any other error. */
export type CauseJson = RpcErrorJson | { readonly name: string; readonly message: string; readonly cause?: CauseJson }

const BRAND: unique symbol = Symbol.for('millrace.RpcError') as never
const CAUSE_DEPTH = 8
const SAFE: RetryAdvice = Object.freeze({ safe: true })
const UNSAFE: RetryAdvice = Object.freeze({ safe: false })
const NO_HOPS: readonly Hop[] = Object.freeze([])

/**
 * The one error class of the library: every error that millrace raises or passes on is an `RpcError`.
 *
 * It survives the wire whole: code, reason, message, details, retry advice, hops and the chain of causes arrive as
 * they were raised; only a cause that is no `RpcError` arrives as an `Error` with its name and message. Stacks stay at
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
  /** The message without the leading `[CODE]`. */
  readonly rawMessage: string
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
    this.rawMessage = message
    this.details = options.details
    this.retry = options.retry ?? UNSAFE
    this.hops = options.hops ?? NO_HOPS
    Object.defineProperty(this, BRAND, { value: true })
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
    return new RpcError(known, messageOf(value), { ...options, cause: value })
  }

  /** Reads the plain form back; `undefined` when `value` is no error of ours. Never throws. */
  static fromJSON(value: unknown): RpcError | undefined {
    if (!isRecord(value) || !isCode(value['code']) || typeof value['message'] !== 'string') return undefined
    const { code, message, reason, details, retry, hops, cause } = value
    return new RpcError(code, message, {
      ...(typeof reason === 'string' && { reason }),
      ...(details !== undefined && { details: details as Json }),
      ...(isRecord(retry) && { retry: readRetry(retry) }),
      ...(Array.isArray(hops) && { hops: hops.filter(isHop) }),
      ...(cause !== undefined && { cause: readCause(cause, CAUSE_DEPTH) }),
    })
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
  const { code, reason, rawMessage: message, details, retry, hops, cause } = error
  return {
    code,
    reason,
    message,
    ...(details !== undefined && { details }),
    ...((retry.safe || retry.afterMs !== undefined) && { retry }),
    ...(hops.length > 0 && { hops }),
    ...(cause !== undefined && depth > 0 && { cause: causeJson(cause, depth - 1) }),
  }
}

function causeJson(cause: unknown, depth: number): CauseJson {
  if (RpcError.is(cause)) return errorJson(cause, depth)
  if (!(cause instanceof Error)) return { name: typeof cause, message: messageOf(cause) }
  const { name, message } = cause
  return { name, message, ...(cause.cause !== undefined && depth > 0 && { cause: causeJson(cause.cause, depth - 1) }) }
}

function readCause(value: unknown, depth: number): Error | undefined {
  const error = RpcError.fromJSON(value)
  if (error !== undefined) return error
  if (!isRecord(value) || typeof value['message'] !== 'string') return undefined
  const inner = depth > 0 && value['cause'] !== undefined ? readCause(value['cause'], depth - 1) : undefined
  const cause = new Error(value['message'], inner && { cause: inner })
  if (typeof value['name'] === 'string') cause.name = value['name']
  return cause
}

function readRetry(retry: Record<string, unknown>): RetryAdvice {
  const { safe, afterMs } = retry
  return { safe: safe === true, ...(typeof afterMs === 'number' && { afterMs }) }
}

function isHop(value: unknown): value is Hop {
  return isRecord(value) && typeof value['service'] === 'string' && typeof value['endpoint'] === 'string'
}

function isCode(value: unknown): value is Code {
  return (codes as readonly unknown[]).includes(value)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function messageOf(value: unknown): string {
  if (value instanceof Error) return value.message || value.name
  if (typeof value === 'string') return value
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return Object.prototype.toString.call(value) // cyclic, or a hostile toJSON
  }
}
