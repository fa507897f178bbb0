import { EMPTY, expand, last, map, type Observable, of, tap } from 'rxjs'
import type { StartPosition } from '../durable/message-log.js'
import { findConsumer } from './find-consumer.js'
import type { JetStreamLink } from './jetstream-link.js'

/** What is looked for, and where. */
export interface LastStartOptions {
  /** Name of the stream. */
  readonly stream: string
  /** Topic, which may have wildcards. */
  readonly topic: string
  /** How many messages. */
  readonly count: number
  /** Sequence of the oldest message of the stream. */
  readonly first: number
  /** Sequence of the newest one. */
  readonly last: number
}

interface Range {
  /** Not behind the sequence that is looked for. */
  readonly low: number
  /** Behind it. */
  readonly high: number
  /** Where to look next. */
  readonly next: number
}

/**
 * Where the last `count` messages of a topic begin: the server counts what is from a sequence on, so halving finds it, in one
 * step where all messages are of the topic.
 */
export function lastStart(link: JetStreamLink, options: LastStartOptions): Observable<StartPosition> {
  const { count, first, last: newest } = options
  const high = newest + 1
  return of<Range>({ low: first, high, next: high - count }).pipe(
    expand(range => {
      if (range.high - range.low <= 1) return EMPTY
      const at = Math.max(range.low + 1, range.next)
      return countFrom(link, at, options).pipe(map(found => narrowed(range, at, found - count)))
    }),
    last(),
    map(({ low }): StartPosition => ({ kind: 'sequence', sequence: low })),
  )
}

function narrowed({ low, high }: Range, at: number, surplus: number): Range {
  if (surplus === 0) return { low: at, high: at + 1, next: at }
  const range = surplus > 0 ? { low: at, high } : { low, high: at }
  return { ...range, next: Math.floor((range.low + range.high) / 2) }
}

/** How many messages there are from a sequence on, by a consumer that nobody uses. */
function countFrom(link: JetStreamLink, sequence: number, { stream, topic }: LastStartOptions): Observable<number> {
  const start = { kind: 'sequence', sequence } as const
  const nobody = { queue: undefined, name: undefined, member: '', mode: 'unacknowledged', ackWaitMs: 1 } as const
  return findConsumer(link, stream, { ...nobody, topic, start }).pipe(
    tap(({ name }) => link.tell(`$JS.API.CONSUMER.DELETE.${stream}.${name}`, NOTHING)),
    map(({ pending }) => pending),
  )
}

const NOTHING = new Uint8Array()
