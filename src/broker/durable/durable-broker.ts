import { defer, finalize, map, Observable } from 'rxjs'
import { type Message, RpcError, retrySafely } from '../../core/index.js'
import type { Broker, Event, PublishOptions, Receipt, SubscribeOptions } from '../broker.js'
import { resolvePublish, resolveSubscribe } from '../call-options.js'
import { checkTopic, topicMatcher } from '../topic.js'
import { appendUntil } from './append-until.js'
import type { DurableContext } from './durable-context.js'
import { type DurableOptions, resolveDurable } from './durable-options.js'
import { DurableSubscription } from './durable-subscription.js'
import { logDeadLetters } from './log-dead-letters.js'
import type { MessageLog } from './message-log.js'

/** Where a durable broker keeps what it has. */
export interface DurableLogs {
  /** The log of messages. */
  readonly messages: MessageLog
  /** The log of dead letters, in topics that begin with `deadLetterPrefix`; it may be the same. */
  readonly dead: MessageLog
}

/**
 * A broker over logs that outlive its users: what it has given a receipt for is processed at least once by every queue
 * group, or becomes a dead letter.
 *
 * - `publish` is repeated, with the same id, while the log cannot be reached, for `publishTimeoutMs`.
 * - A queue group is known by its name and its topic for ever, also while it has no members, and goes on where it was.
 * - A message may be worked on for as long as it takes. Only when nothing is heard of a process for `ackWaitMs` does what
 *   it had come again.
 * - A dead letter is in its log before its message is acknowledged.
 * - With `ordered`, one member of a group has all its messages, and the others wait until it leaves or dies; what fails is
 *   tried again where it is, and what comes behind it with the same key waits.
 * - The way to a log may be lost and found at any time; {@link Broker.status$} tells, nobody has to care.
 *
 * Beside the errors that every broker has, `publish` fails with RESOURCE_EXHAUSTED (reason `queue_full`, safe to retry)
 * when `maxPublishing` messages are on their way, UNAVAILABLE (reason `not_connected`, safe to retry) or
 * DEADLINE_EXCEEDED (reason `not_confirmed`) when the log did not answer in time, and whatever else the log refuses.
 *
 * Throws INVALID_ARGUMENT (reason `invalid_options`).
 */
export function durableBroker(logs: DurableLogs, options: DurableOptions): Broker {
  return new DurableBroker({ ...logs, options: resolveDurable(options) })
}

class DurableBroker implements Broker {
  readonly name: string
  readonly status$: Broker['status$']
  readonly deadLetters: Broker['deadLetters']
  private readonly context: DurableContext
  private publishing: number

  constructor(context: DurableContext) {
    this.name = context.messages.name
    this.status$ = context.messages.status$
    this.deadLetters = logDeadLetters(context)
    this.context = context
    this.publishing = 0
  }

  publish(topic: string, message: Message, given?: PublishOptions): Observable<Receipt> {
    return defer(() => {
      checkTopic(topic)
      const { messages, options } = this.context
      const { envelope, maxPublishing, publishTimeoutMs: timeoutMs, runtime } = options
      const { id = runtime.id(), key } = resolvePublish(given)
      const { header, payload } = envelope.write(topic, message, { id, key, publishedAt: undefined })
      if (this.publishing >= maxPublishing) throw queueFull(topic, maxPublishing)
      this.publishing++
      return appendUntil(messages, { topic, id, header, payload }, { timeoutMs, runtime }).pipe(
        map(({ sequence, duplicate }): Receipt => ({ topic, id, sequence, duplicate })),
        finalize(() => this.publishing--),
      )
    })
  }

  subscribe(topic: string, given?: SubscribeOptions): Observable<Event> {
    return new Observable(subscriber => {
      topicMatcher(topic) // refuses what is none
      const subscription = new DurableSubscription(topic, resolveSubscribe(given), this.context, subscriber)
      subscriber.add(() => subscription.leave())
      subscription.start()
    })
  }
}

function queueFull(topic: string, maxPublishing: number): RpcError {
  const message = `publish to ${topic}: ${maxPublishing} messages are on their way to the broker, more may not be`
  return new RpcError('RESOURCE_EXHAUSTED', message, { reason: 'queue_full', retry: retrySafely })
}
