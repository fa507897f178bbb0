import { actor, type Actor } from 'millrace/actors'
import { RpcError, retrySafely, type Header } from 'millrace/core'
import { paced } from 'millrace/streams'
import { BehaviorSubject, concat, finalize, NEVER, of, take, throwError, type Observable, reduce, map } from 'rxjs'
import { Interop } from './contract.js'
import { fillText } from './fill-text.js'

/** What the millrace side has been asked. */
export interface Seen {
  /** Numbers that `range` has made. */
  produced: number
  /** Items that the caller of `twice` sent. */
  received: number
  /** Handlers that were torn down. */
  readonly tornDown$: BehaviorSubject<number>
  /** What `note` was told. */
  readonly notes$: BehaviorSubject<readonly unknown[]>
  /** Header of the last request to `echo` or `credentials`. */
  header: Header
}

/** The millrace side of the contract, and what it sees. */
export function interopActor(): { readonly actor: Actor; readonly seen: Seen } {
  const seen: Seen = {
    produced: 0,
    received: 0,
    tornDown$: new BehaviorSubject(0),
    notes$: new BehaviorSubject<readonly unknown[]>([]),
    header: {},
  }
  const counted = <T>(source: Observable<T>): Observable<T> =>
    source.pipe(finalize(() => seen.tornDown$.next(seen.tornDown$.value + 1)))
  function* numbers(count: number): Generator<number> {
    for (let number = 0; number < count; number++) {
      seen.produced++
      yield number
    }
  }
  return {
    seen,
    actor: actor(Interop, {
      echo: (value, context) => {
        seen.header = context.header
        return value
      },
      fill: fillText,
      fills: length => [fillText(length), fillText(length), fillText(length)],
      fail: kind => throwError(() => failure(kind)),
      nothing: () => undefined,
      never: () => counted(NEVER),
      credentials: (_, context) => {
        seen.header = context.header
        return context.header['authorization'] ?? ''
      },
      range: count => counted(paced(numbers(count))),
      forever: () => counted(NEVER),
      none: () => [],
      twice: number$ =>
        counted(
          number$.pipe(
            map(number => {
              seen.received++
              return number * 2
            }),
          ),
        ),
      sum: number$ => number$.pipe(reduce((sum, number) => sum + number, 0)),
      firstTwo: number$ => concat(number$.pipe(take(2)), of(99)),
      refuse: () => throwError(() => new RpcError('ABORTED', 'refused in a channel')),
      note: value => seen.notes$.next([...seen.notes$.value, value]),
    }),
  }
}

function failure(kind: string): Error {
  switch (kind) {
    case 'rejected':
      return new RpcError('UNAVAILABLE', 'rejected on purpose', { retry: retrySafely })
    case 'invalid':
      return new RpcError('INVALID_ARGUMENT', 'invalid on purpose')
    case 'canceled':
      return new RpcError('CANCELLED', 'canceled on purpose')
    default:
      return new RpcError('ABORTED', 'failed on purpose')
  }
}
