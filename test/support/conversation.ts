import { messageOf, type Message } from 'millrace/core'
import type { Connection, Peer, SingleCall, StreamingCall } from 'millrace/protocol'
import { concat, concatMap, EMPTY, forkJoin, from, map, of, range, reduce, toArray, type Observable } from 'rxjs'
import { answering, single, streaming } from './virtual-wire.js'

/** What was heard at both ends of a conversation. */
export interface Transcript {
  readonly [what: string]: unknown
}

/** One of every interaction, some of them at once, in which each message is told from every other. */
export class Conversation {
  /** What the tells have told, as they came. */
  readonly told: unknown[]
  /** How often each handler was called. */
  readonly calls: Map<string, number>

  constructor() {
    this.told = []
    this.calls = new Map()
  }

  /** Answers at the server. */
  server(remote: Connection): Peer {
    return answering({
      echo: ({ body }: SingleCall) => this.called('echo', of(messageOf(body))),
      count: ({ body }: SingleCall) => this.called('count', range(1, body as number).pipe(map(n => messageOf(n)))),
      sum: ({ messages }: StreamingCall) =>
        this.called(
          'sum',
          messages.pipe(
            reduce((sum, { body }) => sum + (body as number), 0),
            map(sum => messageOf(sum)),
          ),
        ),
      double: ({ messages }: StreamingCall) =>
        this.called('double', messages.pipe(map(({ body }) => messageOf(2 * (body as number))))),
      note: ({ body }: SingleCall) => {
        this.told.push(body)
        return EMPTY
      },
      ask: ({ body }: SingleCall) => this.called('ask', remote.call(single('unary', 'answer', body))),
    })
  }

  /** Answers at the client. */
  client(): Peer {
    return answering({ answer: ({ body }: SingleCall) => this.called('answer', of(messageOf(`${String(body)}!`))) })
  }

  /** Holds it, and gives what was heard at both ends. */
  over(connection: Connection): Observable<Transcript> {
    const bodies = (calls: readonly (SingleCall | StreamingCall)[]): Observable<unknown[]> =>
      concat(...calls.map(call => connection.call(call))).pipe(
        map(({ body }) => body),
        toArray(),
      )
    return forkJoin({
      echo: bodies(['a', 'b', LONG].map(body => single('unary', 'echo', body))),
      note: bodies([1, 2, 3].map(body => single('tell', 'note', body))),
      count: bodies([single('serverStream', 'count', 9)]),
      sum: bodies([streaming('clientStream', 'sum', from([1, 2, 3, 4, 5]))]),
      double: bodies([streaming('duplex', 'double', from([1, 2, 3, 4, 5]))]),
      ask: bodies([single('unary', 'ask', 'who')]),
    }).pipe(
      // Behind the tells, so they have been read when it is answered.
      concatMap(heard =>
        connection
          .call(single('unary', 'echo', 'end'))
          .pipe(
            map(({ body }) => ({ ...heard, told: [...this.told], calls: Object.fromEntries(this.calls), end: [body] })),
          ),
      ),
    )
  }

  private called(endpoint: string, replies: Observable<Message>): Observable<Message> {
    this.calls.set(endpoint, (this.calls.get(endpoint) ?? 0) + 1)
    return replies
  }
}

/** Leaves in fragments where they are of 128 bytes. */
const LONG = 'x'.repeat(300)

/** What is heard when nothing is lost, repeated or reordered. */
export const heardInFull: Transcript = {
  echo: ['a', 'b', LONG],
  note: [],
  count: [1, 2, 3, 4, 5, 6, 7, 8, 9],
  sum: [15],
  double: [2, 4, 6, 8, 10],
  ask: ['who!'],
  told: [1, 2, 3],
  calls: { answer: 1, ask: 1, count: 1, double: 1, echo: 4, sum: 1 },
  end: ['end'],
}
