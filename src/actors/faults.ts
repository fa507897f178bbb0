import { RpcError, type Hop, type Log, type Runtime } from '../core/index.js'
import type { Route } from '../protocol/index.js'

/** How a server tells of errors. */
export interface FaultOptions {
  /** Where the whole error goes. */
  readonly log: Log
  /** Makes error ids. */
  readonly runtime: Runtime
  /** Name the actor is registered under. */
  readonly service: string
  /** Id of the instance; `undefined` when it is not registered. */
  readonly node: string | undefined
  /** Whether callers see what a handler threw. */
  readonly exposeCauses: boolean
}

/** Turns whatever ends a call at the server into the error that its caller gets. */
export interface Faults {
  /** The error for the caller: an `RpcError` with this place added to its hops, INTERNAL for anything else. */
  passOn(error: unknown): RpcError
  /** Logs an error that no caller hears of. */
  swallow(error: unknown): void
}

/** This server, as a place that an error of an endpoint goes through. */
export function hopOf({ service, node }: FaultOptions, { contract, endpoint }: Route): Hop {
  return { service, endpoint: `${contract}.${endpoint}`, ...(node !== undefined && { node }) }
}

/** The faults of one endpoint. */
export function faults(options: FaultOptions, route: Route, idempotent: boolean): Faults {
  const { log, runtime, exposeCauses } = options
  const name = `${route.contract}.${route.endpoint}`
  const hop = hopOf(options, route)

  const hidden = (thrown: unknown): RpcError => {
    const errorId = runtime.id()
    logFailure(log, name, errorId, thrown)
    return new RpcError('INTERNAL', `${name} failed, error id ${errorId}`, {
      reason: 'handler_failed',
      details: { errorId },
      hops: [hop],
      ...(exposeCauses && { cause: thrown }),
    })
  }

  return {
    passOn: error => {
      if (!RpcError.is(error)) return hidden(error)
      // Advice from further down is about that call; this handler has run, and may have done something before it.
      if (error.retry.safe && error.hops.length > 0 && !idempotent) return unsafe(error, hop)
      return error.via(hop)
    },
    swallow: error => {
      if (RpcError.is(error)) {
        log({ level: 'warn', event: 'tell.failed', message: error.message, fields: { endpoint: name, error } })
      } else logFailure(log, name, runtime.id(), error)
    },
  }
}

function logFailure(log: Log, name: string, errorId: string, thrown: unknown): void {
  const { message } = RpcError.from(thrown)
  log({
    level: 'error',
    event: 'handler.failed',
    message: `${name} failed, error id ${errorId}: ${message}`,
    fields: { endpoint: name, errorId, error: thrown },
  })
}

function unsafe(error: RpcError, hop: Hop): RpcError {
  const { code, rawMessage, reason, details, cause, hops } = error
  return new RpcError(code, rawMessage, {
    reason,
    cause,
    hops: [...hops, hop],
    ...(details !== undefined && { details }),
  })
}
