import { map, of, throwError, toArray, type Observable } from 'rxjs'
import { emptyHeader, messageOf, RpcError, type Message } from '../../../core/index.js'
import type { Call, Peer, SingleCall, StreamingCall } from '../../../protocol/index.js'
import { paced } from '../../../streams/index.js'
import type { Recording } from '../recording.js'

/** Handlers by endpoint; each takes calls of its own kind. */
export type Handlers = { readonly [endpoint: string]: (call: never) => Observable<Message> }

/** A peer that answers with handlers. */
export function answering(handlers: Handlers): Peer {
  return {
    call(call) {
      const handler = handlers[call.route.endpoint] as ((call: Call) => Observable<Message>) | undefined
      return handler?.(call) ?? throwError(() => new RpcError('UNIMPLEMENTED', call.route.endpoint))
    },
  }
}

/** A call with one request. */
export function single(kind: SingleCall['kind'], endpoint: string, body?: unknown): SingleCall {
  return { ...headOf(endpoint), kind, body }
}

/** A call with a stream of requests. */
export function streaming(kind: StreamingCall['kind'], endpoint: string, messages: Observable<Message>): StreamingCall {
  return { ...headOf(endpoint), kind, messages }
}

function headOf(endpoint: string): Pick<Call, 'route' | 'header' | 'deadline' | 'key'> {
  const route = { contract: 'checks', version: '1.0.0', endpoint }
  return { route, header: emptyHeader, deadline: undefined, key: undefined }
}

/** The bodies of recorded messages. */
export function bodies({ values }: Recording<Message>): unknown[] {
  return values.map(({ body }) => body)
}

/** 0, 1, 2 … `count - 1`. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

/** A handler that gives 0 … `count - 1` as they are wanted. */
export function numbers(count: number): () => Observable<Message> {
  return () => paced(upTo(count).map(messageOf))
}

/** A handler that gives the request back. */
export function echo({ body }: SingleCall): Observable<Message> {
  return of(messageOf(body))
}

/** A handler that gives all requests back. */
export function echoAll({ messages }: StreamingCall): Observable<Message> {
  return messages
}

/** A handler that gives the bodies of all requests back as one. */
export function collect({ messages }: StreamingCall): Observable<Message> {
  return messages.pipe(
    map(({ body }) => body),
    toArray(),
    map(messageOf),
  )
}
