import {
  castGrpcErrorMessage,
  EtcdAuthenticationFailedError,
  EtcdInvalidAuthTokenError,
  EtcdPermissionDeniedError,
  GRPCUnauthenticatedError,
} from 'etcd3'
import { RpcError, retrySafely, type Code, type RpcErrorOptions } from '../../core/index.js'

/** What a failure of etcd, of the way to it or of its client means, as an error that names the endpoint. */
export function etcdError(thrown: unknown, endpoint: string): RpcError {
  if (RpcError.is(thrown)) return thrown
  const message = `etcd at ${endpoint}: ${causeOf(thrown)}`
  const [code, options] = meaningOf(thrown)
  return new RpcError(code, message, { ...options, cause: thrown })
}

/** etcd at an endpoint has not answered in time. */
export function noAnswer(endpoint: string, afterMs: number): RpcError {
  return new RpcError('UNAVAILABLE', `etcd at ${endpoint}: no answer within ${afterMs} ms`, UNAVAILABLE)
}

/** The store has forgotten the changes that were asked for. */
export function compacted(endpoint: string, revision: string): RpcError {
  const message = `etcd at ${endpoint}: what came before revision ${revision} has been compacted`
  return new RpcError('OUT_OF_RANGE', message, { reason: 'compacted', retry: retrySafely })
}

/** A member has ended a watch, for a reason of its own. */
export function watchCancelled(endpoint: string, reason: string): RpcError {
  return etcdError(castGrpcErrorMessage(reason === '' ? 'it has cancelled the watch' : reason), endpoint)
}

const UNAVAILABLE: RpcErrorOptions = { reason: 'registry_unavailable', retry: retrySafely }
const TOO_LARGE = /request is too large|message larger than max/
const NOBODY = /user name is empty/

function meaningOf(thrown: unknown): readonly [Code, RpcErrorOptions] {
  if (thrown instanceof EtcdPermissionDeniedError)
    return ['PERMISSION_DENIED', { reason: 'registry_permission_denied' }]
  if (
    thrown instanceof EtcdAuthenticationFailedError ||
    thrown instanceof EtcdInvalidAuthTokenError ||
    thrown instanceof GRPCUnauthenticatedError ||
    NOBODY.test(messageOf(thrown))
  ) {
    return ['UNAUTHENTICATED', { reason: 'registry_unauthenticated' }]
  }
  if (TOO_LARGE.test(messageOf(thrown))) return ['RESOURCE_EXHAUSTED', { reason: 'record_too_large' }]
  return ['UNAVAILABLE', UNAVAILABLE]
}

/**
 * What the client says, without the names of classes, gRPC's numbers, the time, which would make the same trouble another
 * one each time, and what only its authors understand.
 */
function causeOf(thrown: unknown): string {
  const message = messageOf(thrown).replace(/\s*\([\d-]+T[\d:.]+Z\)/g, '')
  const connecting = /Last error: (?:Error: )?(.*?)\.? ?Resolution note:/s.exec(message)
  const cause = connecting?.[1] ?? message.replace(/^\w*Error: /, '').replace(/^\d+ [A-Z_]+: /, '')
  return /SSL routines:\w*:([^:]+)/.exec(cause)?.[1] ?? cause
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
