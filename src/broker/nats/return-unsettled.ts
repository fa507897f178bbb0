import { defer, ignoreElements, type Observable, timer } from 'rxjs'
import type { Runtime } from '../../core/index.js'
import { ackSubject } from './ack-subject.js'
import type { FoundConsumer } from './find-consumer.js'
import type { JetStreamLink } from './jetstream-link.js'

/** Most sequences that are given back one by one; where messages of a topic lie further apart, time does it. */
const MAX_RETURNED = 65_536

const NAK = new TextEncoder().encode('-NAK')

/** Whose messages are given back, and how. */
export interface ReturnOptions {
  /** Name of the stream. */
  readonly stream: string
  /** After which time unsettled messages come again by themselves, ms. */
  readonly ackWaitMs: number
  /** Time. */
  readonly runtime: Runtime
}

/**
 * Has everything delivered again that is not acknowledged, in order and before everything else, whoever had it: one who
 * takes over does not know what that was. Completes when the server has done so.
 *
 * Every sequence between the first that is not acknowledged and the last that was delivered is given back; the server
 * ignores those that are not pending. It counts the attempts on.
 */
export function returnUnsettled(
  link: JetStreamLink,
  consumer: FoundConsumer,
  { stream, ackWaitMs, runtime }: ReturnOptions,
): Observable<never> {
  const { name, unacknowledged, next, delivery } = consumer
  return defer(() => {
    if (next - unacknowledged > MAX_RETURNED) return timer(ackWaitMs, runtime.scheduler)
    const last = next - 1
    for (let sequence = unacknowledged; sequence < last; sequence++) {
      link.tell(ackSubject(stream, name, { sequence, delivery }), NAK)
    }
    // The server answers an acknowledgement that asks for it when it has all before.
    const subject = ackSubject(stream, name, { sequence: last, delivery })
    return link.request({ subject, payload: NAK, read: () => undefined })
  }).pipe(ignoreElements())
}
