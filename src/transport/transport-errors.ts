import { RpcError, retrySafely } from '../core/index.js'

/** What is wrong with a TLS connection, for programs and for people. */
export interface TlsProblem {
  /** Stable name; `details.problem` of the error. */
  readonly problem: string
  /** What is wrong, and what to do. */
  readonly text: string
  /** The certificate's names and dates, when it is about one. */
  readonly facts?: { readonly [name: string]: string }
}

/** No connection to `address` came about: UNAVAILABLE, reason `connect_failed`; nothing was sent, so retry is safe. */
export function connectFailed(address: string, why: string, cause?: unknown): RpcError {
  return new RpcError('UNAVAILABLE', `cannot connect to ${address}: ${why}`, {
    reason: 'connect_failed',
    retry: retrySafely,
    cause,
  })
}

/** A connection that was open broke: UNAVAILABLE, reason `connection_lost`; what was under way may have happened. */
export function connectionLost(remote: string, why: string, cause?: unknown): RpcError {
  return new RpcError('UNAVAILABLE', `connection to ${remote} lost: ${why}`, { reason: 'connection_lost', cause })
}

/**
 * A connection to or from `who` cannot be secured: UNAVAILABLE, reason `tls_failed`; the details name the problem. Safe to
 * retry unless told otherwise, for what is not secured has not been used.
 */
export function tlsFailed(
  who: string,
  { problem, text, facts }: TlsProblem,
  { cause, safe = true }: { readonly cause?: unknown; readonly safe?: boolean } = {},
): RpcError {
  return new RpcError('UNAVAILABLE', `TLS with ${who} failed: ${text}`, {
    reason: 'tls_failed',
    details: { problem, ...facts },
    ...(safe && { retry: retrySafely }),
    cause,
  })
}

/** An end has no identity to show: INVALID_ARGUMENT, reason `invalid_identity`. */
export function noIdentity(why: string): RpcError {
  return new RpcError('INVALID_ARGUMENT', `tls: ${why}`, { reason: 'invalid_identity' })
}

/** `address` cannot be listened on: UNAVAILABLE, reason `listen_failed`. */
export function listenFailed(address: string, why: string, cause?: unknown): RpcError {
  return new RpcError('UNAVAILABLE', `cannot listen on ${address}: ${why}`, { reason: 'listen_failed', cause })
}

/** `address` is none of this transport: INVALID_ARGUMENT, reason `invalid_address`. */
export function invalidAddress(address: string, expected: string): RpcError {
  return new RpcError('INVALID_ARGUMENT', `address ${JSON.stringify(address)}: expected ${expected}`, {
    reason: 'invalid_address',
  })
}

/** A frame is longer than the transport carries, by how much may be unknown: RESOURCE_EXHAUSTED, reason `frame_too_large`. */
export function frameTooLarge(length: number | undefined, maxFrameBytes: number, who: string): RpcError {
  const size = length === undefined ? 'longer than allowed' : `of ${length} bytes`
  return new RpcError('RESOURCE_EXHAUSTED', `${who} a frame ${size}, at most ${maxFrameBytes} bytes are allowed`, {
    reason: 'frame_too_large',
  })
}

/** A WebSocket peer sent text where frames are binary: INVALID_ARGUMENT, reason `text_message`. */
export function textMessage(remote: string, length: number): RpcError {
  return new RpcError('INVALID_ARGUMENT', `${remote} sent a text message of ${length} bytes, frames are binary`, {
    reason: 'text_message',
  })
}

/** More came than is kept before `inbound` is subscribed: RESOURCE_EXHAUSTED, reason `inbound_overflow`. */
export function inboundOverflow(remote: string, maxBytes: number): RpcError {
  const what = `${remote} sent more than ${maxBytes} bytes before inbound was subscribed`
  return new RpcError('RESOURCE_EXHAUSTED', what, { reason: 'inbound_overflow' })
}

/** A second subscriber came for `inbound`: FAILED_PRECONDITION, reason `inbound_taken`. */
export function inboundTaken(remote: string): RpcError {
  return new RpcError('FAILED_PRECONDITION', `inbound of the connection to ${remote} has had its one subscriber`, {
    reason: 'inbound_taken',
  })
}

/** The subscriber of `inbound` threw out of `next`: INTERNAL, reason `inbound_subscriber_threw`. */
export function inboundSubscriberThrew(remote: string, cause: unknown): RpcError {
  return new RpcError('INTERNAL', `the subscriber of frames from ${remote} threw, the connection is closed`, {
    reason: 'inbound_subscriber_threw',
    cause,
  })
}
