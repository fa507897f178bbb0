// The source and the slow consumer at both ends of what a test does, in a process of its own. It tells its address, and
// what is logged.
import { Readable } from 'node:stream'
import { actor, createServer, type Context } from 'millrace/actors'
import type { Log } from 'millrace/core'
import { rsocket } from 'millrace/protocol/rsocket'
import { paced, pacedMap, type Pullable } from 'millrace/streams'
import { tcp } from 'millrace/transport/tcp'
import {
  asapScheduler,
  bufferCount,
  concatMap,
  debounceTime,
  delay,
  filter,
  map,
  mergeMap,
  NEVER,
  Observable,
  observeOn,
  of,
  range,
  switchMap,
  timer,
} from 'rxjs'
import { tell } from '../../faults/tell.js'
import { impatientRuntime } from './impatient-runtime.js'
import { Rows, type Book, type PullSource } from './rows.js'

const runtime = impatientRuntime()
const log: Log = ({ event, fields }) => tell({ [event]: fields?.['where'] ?? fields?.['reason'] })

const books = new Map<string, { -readonly [K in keyof Book]: Book[K] }>()
function bookOf(run: string | undefined = ''): { -readonly [K in keyof Book]: Book[K] } {
  const book = books.get(run) ?? { taken: 0, consumed: 0, ahead: 0, closed: 0 }
  books.set(run, book)
  return book
}

function* numbers({ header }: Context, count: number): Generator<number> {
  const book = bookOf(header['run'])
  try {
    for (let n = 0; n < count; n++) {
      book.taken++
      book.ahead = Math.max(book.ahead, book.taken - book.consumed)
      yield n
    }
  } finally {
    book.closed++
  }
}

/** One item a turn. */
const slowly = ({ header }: Context) => {
  const book = bookOf(header['run'])
  return pacedMap(
    (item: unknown) =>
      new Observable<unknown>(subscriber => {
        setImmediate(() => {
          book.consumed++
          subscriber.next(item)
          subscriber.complete()
        })
      }),
    { concurrency: 1, runtime },
  )
}

const pullables: { readonly [source in PullSource]: (numbers: Generator<number>) => Pullable<number> } = {
  Iterable: numbers => numbers,
  AsyncIterable: async function* (numbers) {
    yield* numbers
  },
  ReadableStream: numbers =>
    new ReadableStream({
      pull(controller) {
        const { done, value } = numbers.next()
        if (done === true) controller.close()
        else controller.enqueue(value)
      },
    }),
  Readable: numbers => Readable.from(numbers, { highWaterMark: 1 }),
}

const later =
  (ms: number) =>
  (n: number): Observable<number> =>
    timer(ms).pipe(map(() => n))

const rows = actor(Rows, {
  numbers: (count, context) => paced(numbers(context, count)),
  pulled: (source, context) => pullables[source](numbers(context, 400)),
  pushed: count => range(0, count),
  consume: (item$, context) => item$.pipe(slowly(context)),
  stuck: item$ => item$.pipe(pacedMap(() => NEVER, { runtime, onStalled() {} })),
  expand: item$ => item$.pipe(mergeMap(count => range(0, count))),
  circle: item$ => item$,
  replyConcatMap: n$ => n$.pipe(concatMap(later(1))),
  replyMergeMap: n$ => n$.pipe(mergeMap(later(3))),
  replyDelay: n$ => n$.pipe(delay(3)),
  replyAsap: n$ => n$.pipe(observeOn(asapScheduler)),
  replyTwice: n$ => n$.pipe(concatMap(n => of(n, n))),
  replyFilter: n$ => n$.pipe(filter(() => false)),
  replyBufferCount: n$ => n$.pipe(bufferCount(17), map(({ length }) => length)), // prettier-ignore
  replySwitchMap: n$ => n$.pipe(switchMap(later(5))),
  replyDebounceTime: n$ => n$.pipe(debounceTime(5)),
  book: run => bookOf(run),
})

const server = createServer({ actors: [rows], log, runtime })
rsocket(tcp({ runtime }), { log, runtime, window: 16 })
  .listen('127.0.0.1:0', () => server)
  .subscribe(({ address }) => tell({ address }))
// The process that started it may die in any way.
process.stdin.resume().on('end', () => process.exit())
