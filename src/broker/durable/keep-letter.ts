import { catchError, type Observable, throwError } from 'rxjs'
import { RpcError } from '../../core/index.js'
import { appendUntil } from './append-until.js'
import type { DurableContext } from './durable-context.js'
import { bareLetterRecord, type Failure, letterRecord } from './letter-record.js'
import type { Appended, LogDelivery } from './message-log.js'

/**
 * Keeps the dead letter of a message. A log may take the message, and not the message with what is said about it: it is too
 * long then, or came with header entries that nobody may write. The letter is kept without it then, for it would be in the
 * way for ever; the message is where it was published, at the sequence that the letter names.
 */
export function keepLetter(context: DurableContext, delivery: LogDelivery, failure: Failure): Observable<Appended> {
  const { dead, options } = context
  const { deadLetterPrefix: prefix, publishTimeoutMs: timeoutMs, runtime } = options
  return appendUntil(dead, letterRecord(prefix, delivery, failure), { timeoutMs, runtime }).pipe(
    catchError((thrown: unknown) => {
      const error = RpcError.from(thrown)
      const isRefused = error.code === 'INVALID_ARGUMENT' || error.reason === 'message_too_large'
      if (!isRefused) return throwError(() => error)
      return appendUntil(dead, bareLetterRecord(prefix, delivery, failure), { timeoutMs, runtime })
    }),
  )
}
