import { messageOf, RpcError, type Message } from 'millrace/core'
import type { SingleCall, StreamingCall } from 'millrace/protocol'
import { paced } from 'millrace/streams'
import { EMPTY, NEVER, of, throwError, type Observable } from 'rxjs'
import { answering } from '../support/virtual-wire.js'

/** The numbers below `count` as a source that is pulled. */
export function numbers(count: number): Observable<Message> {
  return paced(Array.from({ length: count }, (_, index) => messageOf(index)))
}

/** What a service of the points answers, unless a point has its own. */
export const usual = answering({
  echo: (call: SingleCall | StreamingCall) => ('messages' in call ? call.messages : of(messageOf(call.body))),
  numbers: ({ body }: SingleCall) => numbers(Number(body ?? 10)),
  never: () => NEVER,
  empty: () => EMPTY,
  fails: () => throwError(() => new RpcError('ABORTED', 'on purpose', { reason: 'conflict' })),
})
