import {
  concat,
  concatMap,
  defer,
  filter,
  ignoreElements,
  map,
  Observable,
  of,
  retry,
  switchMap,
  take,
  throwError,
} from 'rxjs'
import { RpcError } from '../../core/index.js'
import { letterMatcher, resolveReplay } from '../dead-letter-filter.js'
import type { DeadLetter, DeadLetterFilter, DeadLetters, ReplayOptions } from '../dead-letters.js'
import { appendUntil } from './append-until.js'
import type { DurableContext } from './durable-context.js'
import { isBare, readLetter, replayRecord } from './letter-record.js'
import type { LogConsumer, StoredRecord } from './message-log.js'
import { retryPause } from './retry-pause.js'

/** Letters that a watch asks for at a time. */
const WATCHED = 256

interface Found {
  readonly record: StoredRecord
  readonly letter: DeadLetter
}

/** The dead letters of a durable broker: records of a log of their own. */
export function logDeadLetters({ messages, dead, options }: DurableContext): DeadLetters {
  const { deadLetterPrefix: prefix, envelope, publishTimeoutMs: timeoutMs, runtime } = options
  const all = `${prefix}.>`
  const found = (record: StoredRecord): Found => ({ record, letter: readLetter(prefix, record, envelope) })

  const select = (matches: (letter: DeadLetter) => boolean): Observable<Found> =>
    dead.read(all).pipe(
      map(found),
      filter(({ letter }) => matches(letter)),
    )

  const removed = ({ record, letter }: Found): Observable<DeadLetter> =>
    concat(dead.remove([record.sequence]), of(letter))

  const replayed = (each: Found): Observable<DeadLetter> =>
    concat(
      appendUntil(messages, replayRecord(each.record, each.letter), { timeoutMs, runtime }).pipe(ignoreElements()),
      removed(each),
    )

  return {
    added$: defer(() => {
      const member = runtime.id()
      const spec = {
        topic: all,
        queue: undefined,
        member,
        ackWaitMs: options.ackWaitMs,
        mode: 'unacknowledged',
      } as const
      let next: number | undefined
      const watched = (consumer: LogConsumer): Observable<DeadLetter> => {
        next ??= consumer.next
        return new Observable(subscriber => {
          let asked = WATCHED
          subscriber.add(
            consumer.deliveries$.subscribe(record => {
              next = record.sequence + 1
              if (--asked === 0) consumer.request((asked = WATCHED))
              subscriber.next(readLetter(prefix, record, envelope))
            }),
          )
          consumer.request(asked)
        })
      }
      const watch$ = defer(() =>
        dead.consume({ ...spec, start: next === undefined ? { kind: 'new' } : { kind: 'sequence', sequence: next } }),
      )
      return watch$.pipe(
        switchMap(watched),
        retry({
          delay: (thrown: unknown, failures) =>
            RpcError.from(thrown).code === 'UNAVAILABLE' ? retryPause(failures, runtime) : throwError(() => thrown),
          resetOnSuccess: true,
        }),
      )
    }),
    list: (given?: DeadLetterFilter) => defer(() => select(letterMatcher(given)).pipe(map(({ letter }) => letter))),
    replay: (given?: ReplayOptions) =>
      defer(() => {
        const { matches, max } = resolveReplay(given)
        const whole$ = select(matches).pipe(filter(({ record }) => !isBare(record)))
        return whileOpen(dead.open$, whole$.pipe(take(max), concatMap(replayed)))
      }),
    drop: (given?: DeadLetterFilter) =>
      defer(() => whileOpen(dead.open$, select(letterMatcher(given)).pipe(concatMap(removed)))),
  }
}

/** Keeps what attempts need for all steps of `source`. */
function whileOpen<T>(open$: Observable<never>, source: Observable<T>): Observable<T> {
  return new Observable(subscriber => {
    subscriber.add(open$.subscribe())
    subscriber.add(source.subscribe(subscriber))
  })
}
