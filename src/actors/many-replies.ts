import { isObservable, type Observable, Subscriber } from 'rxjs'
import { messageOf, RpcError, type Message } from '../core/index.js'
import { paceByReply, paced, type Pullable } from '../streams/index.js'
import { checkEach } from './check-each.js'
import type { CallContext } from './call-context.js'
import type { Faults } from './faults.js'
import { isThenable, RunningCall, type Answer, type ServedEndpoint } from './running-call.js'

/** Answers `serverStream` and `duplex` calls: the handler gives an Observable or something to iterate. */
export function manyReplies(served: ServedEndpoint): Answer {
  const { name, runtime, onStalled, handler } = served
  const endpoint: ServedEndpoint = served.paceByReply
    ? {
        ...served,
        handler: (requests$, context) => {
          const behaviour = (held$: Observable<unknown>): Observable<unknown> => replies(handler(held$, context), name)
          return paceByReply(behaviour, { name, runtime, onStalled })(requests$ as Observable<unknown>)
        },
      }
    : served
  return (call, subscriber) => new ManyReplies(endpoint, call, subscriber).start()
}

class ManyReplies extends RunningCall {
  protected take(result: unknown): void {
    const { name, reply, faults } = this.served
    let replies$: Observable<unknown>
    try {
      replies$ = replies(result, name)
    } catch (error) {
      this.fail(error)
      return
    }
    const checked$ = reply === undefined ? replies$ : replies$.pipe(checkEach(reply, this.served))
    checked$.subscribe(new ReplySubscriber(this.subscriber, this.context, faults))
  }
}

class ReplySubscriber extends Subscriber<unknown> {
  private readonly out: Subscriber<Message>
  private readonly context: CallContext
  private readonly faults: Faults

  constructor(out: Subscriber<Message>, context: CallContext, faults: Faults) {
    super(out)
    this.out = out
    this.context = context
    this.faults = faults
  }

  protected override _next(value: unknown): void {
    this.out.next(messageOf(value))
  }

  protected override _error(error: unknown): void {
    this.context.end()
    this.out.error(this.faults.passOn(error))
  }

  protected override _complete(): void {
    this.context.end()
    this.out.complete()
  }
}

function replies(result: unknown, name: string): Observable<unknown> {
  if (isObservable(result)) return result
  if (isPullable(result)) return paced(result)
  if (isThenable(result)) result.then(undefined, () => {}) // the call has failed; nobody waits for its rejection
  const given = result === null ? 'null' : isThenable(result) ? 'a promise' : typeof result
  throw new RpcError(
    'INTERNAL',
    `${name}: the handler gave ${given}, expected an Observable, an iterable or an async iterable`,
    { reason: 'not_a_stream' },
  )
}

/** A string could be iterated too, letter by letter; no handler means that. */
function isPullable(value: unknown): value is Pullable<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    (Symbol.iterator in value || Symbol.asyncIterator in value || 'getReader' in value)
  )
}
