import { emptyHeader, mergeHeaders, type Header } from '../../core/index.js'
import type { Call, Route, SingleCall, StreamingCall } from '../peer.js'
import { Flag, FrameType } from './frame.js'
import type { RequesterContext } from './requester-context.js'
import type { Stream } from './stream.js'

/**
 * Sends the frame that opens a call of one request, and gives its stream id. Throws when the body cannot be encoded or
 * is too large; then nothing is sent and no id used.
 */
export function sendRequest(
  context: RequesterContext,
  call: SingleCall,
  stream: Stream,
  type: number,
  initialN: number,
): number {
  const { codec, metadata } = context
  const { route, header, body } = call
  const data = body === undefined ? undefined : codec.encode(body, 0)
  const about = metadata.writeRequest(route, remainingMs(context, call), header, data !== undefined, false)
  return send(context, stream, route, type, 0, initialN, about, data)
}

/** Sends the frame that opens a channel, and gives its stream id. */
export function sendChannelRequest(
  context: RequesterContext,
  call: StreamingCall,
  stream: Stream,
  initialN: number,
  first: FirstRequest,
): number {
  const { route, kind } = call
  const oneReply = kind === 'clientStream'
  const { data, complete } = first
  const header = mergeHeaders(call.header, first.header)
  const about = context.metadata.writeRequest(route, remainingMs(context, call), header, data !== undefined, oneReply)
  const flags = complete ? Flag.COMPLETE : 0
  return send(context, stream, route, FrameType.REQUEST_CHANNEL, flags, initialN, about, data)
}

/** What the frame that opens a channel carries of its requests. */
export interface FirstRequest {
  /** The first, encoded, if it carries it. */
  readonly data: Uint8Array | undefined
  /** The header of the first; it joins that of the call. */
  readonly header: Header
  /** Whether there are no others. */
  readonly complete: boolean
}

/** The first request comes later, in a frame of its own. */
export const NO_REQUEST: FirstRequest = { data: undefined, header: emptyHeader, complete: false }

function send(
  context: RequesterContext,
  stream: Stream,
  route: Route,
  type: number,
  flags: number,
  initialN: number,
  metadata: Uint8Array,
  data: Uint8Array | undefined,
): number {
  const id = context.open(stream)
  try {
    const whole = context.sender.send(id, type, flags, initialN, metadata, data)
    if (!whole) context.metadata.unread(route)
  } catch (error) {
    context.forget(id)
    context.metadata.unread(route)
    throw error
  }
  return id
}

function remainingMs(context: RequesterContext, { deadline }: Call): number | undefined {
  return deadline === undefined ? undefined : deadline - context.runtime.scheduler.now()
}
