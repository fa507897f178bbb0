import { finalize, interval, map, tap, type Observable } from 'rxjs'
import { messageOf, systemRuntime, type Message } from '../../../core/index.js'
import { paced } from '../../../streams/index.js'

/** An endless source that counts what it produces and notices its teardown. */
export interface Endless {
  /** How many items it has made. */
  readonly produced: number
  /** How many of its subscriptions have ended. */
  readonly tornDown: number
  /** An item every millisecond, whether it is wanted or not. */
  readonly pushed: () => Observable<Message>
  /** An item whenever the one before is consumed. */
  readonly pulled: () => Observable<Message>
}

/** Makes an endless source. */
export function endless(): Endless {
  const count = { produced: 0, tornDown: 0 }
  function* items(): Generator<Message> {
    for (;;) yield messageOf(count.produced++)
  }
  const counted = finalize<Message>(() => count.tornDown++)
  return Object.assign(count, {
    pushed: () =>
      interval(1, systemRuntime().scheduler).pipe(
        tap(() => count.produced++),
        map(messageOf),
        counted,
      ),
    pulled: () => paced(items()).pipe(counted),
  })
}
