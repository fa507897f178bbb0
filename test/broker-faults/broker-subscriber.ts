import type { Event } from 'millrace/broker'
import { RpcError } from 'millrace/core'
import { pacedMap } from 'millrace/streams'
import { defer, filter, ignoreElements, interval, NEVER, type Observable, of, take, tap, timer } from 'rxjs'
import { brokerOf, tell } from './broker-of.js'
import { type SubscriberParty, TOPIC } from './party.js'

// A process that is subscribed and tells in lines of JSON what it has processed: before the broker hears of it, so that
// what is acknowledged has been told, whenever this process is killed. It leaves when its input ends.
const party = JSON.parse(process.argv[2] ?? '') as SubscriberParty
const { engine, queue, window, ordered = false, workMs, poison, overflow } = party
const { broker, connection } = brokerOf(party)

const MEMORY_EVERY_MS = 100

const options = {
  ...{ window, ordered },
  ...(queue && { queue }),
  ...(overflow && { overflow }),
  ...(engine === 'jetstream' && { from: 'all' as const }),
}
const all = broker
  .subscribe(TOPIC, options)
  .pipe(pacedMap(work, { concurrency: window }))
  .subscribe({ error: (thrown: unknown) => tell({ ended: true, reason: RpcError.from(thrown).reason ?? '' }) })
all.add(broker.status$.subscribe(({ state }) => tell({ state })))
all.add(interval(MEMORY_EVERY_MS).subscribe(() => tell({ memory: process.memoryUsage().rss })))
all.add(
  connection.link$
    .pipe(
      filter(link => link !== undefined),
      take(1),
    )
    .subscribe(link => link.confirm(() => tell({ ready: true }))),
)
process.stdin.resume().on('end', () => all.unsubscribe())

function work({ message, attempt, publishedAt, sequence }: Event): Observable<never> {
  const { number } = message.body as { readonly number: number }
  const ageMs = Date.now() - publishedAt
  return defer(() => {
    if (number === poison) {
      tell({ failed: number, attempt, ageMs })
      throw new RpcError('INTERNAL', `${number} is poison`)
    }
    if (workMs === 'for ever') return NEVER
    // Some take longer than those behind them.
    return (workMs === 0 ? of(0) : timer(workMs * (number % 3))).pipe(
      tap(() => tell({ done: number, attempt, ageMs, ...(sequence !== undefined && { sequence }) })),
      ignoreElements(),
    )
  })
}
