import type { Call, Route, SingleCall, StreamingCall } from '../peer.js'
import { FrameType } from './frame.js'
import type { RequesterContext } from './requester-context.js'
import type { Stream } from './stream.js'

/**
 * Sends the frame that opens a call of one request, and gives its stream id. Throws when the body cannot be encoded or
 * is too large; then nothing is sent and no id used.
 */
export function sendRequest(
  context: RequesterContext,
  call: SingleCall,
  stream: Stream | undefined,
  type: number,
  initialN: number,
): number {
  const { codec, routes } = context
  const { route, header, body } = call
  const data = body === undefined ? undefined : codec.encode(body, 0)
  const metadata = routes.request(route, remainingMs(context, call), header, data !== undefined, false)
  return send(context, stream, route, type, initialN, metadata, data)
}

/** Sends the frame that opens a channel; it carries no request yet. */
export function sendChannelRequest(
  context: RequesterContext,
  call: StreamingCall,
  stream: Stream,
  initialN: number,
): number {
  const { route, header, kind } = call
  const metadata = context.routes.request(route, remainingMs(context, call), header, false, kind === 'clientStream')
  return send(context, stream, route, FrameType.REQUEST_CHANNEL, initialN, metadata, undefined)
}

function send(
  context: RequesterContext,
  stream: Stream | undefined,
  route: Route,
  type: number,
  initialN: number,
  metadata: Uint8Array,
  data: Uint8Array | undefined,
): number {
  const id = context.open(stream)
  try {
    context.sender.send(id, type, 0, initialN, metadata, data)
  } catch (error) {
    context.forget(id)
    context.routes.unsent(route)
    throw error
  }
  return id
}

function remainingMs(context: RequesterContext, { deadline }: Call): number | undefined {
  return deadline === undefined ? undefined : deadline - context.runtime.scheduler.now()
}
