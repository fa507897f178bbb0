import { messageOf, RpcError } from 'millrace/core'
import { catchError, concatMap, EMPTY, interval, mergeMap, type Observable, range, take, tap } from 'rxjs'
import { brokerOf, tell } from './broker-of.js'
import { type PublisherParty, TOPIC } from './party.js'

// A process that publishes numbers, tells in lines of JSON what becomes of each, and ends.
const party = JSON.parse(process.argv[2] ?? '') as PublisherParty
const { count, inFlight, bytes = 0, keys, perSecond } = party
const { broker } = brokerOf(party)
const fill = 'x'.repeat(bytes)

const TICK_MS = 20

numbers()
  .pipe(mergeMap(publish, inFlight))
  .subscribe({ complete: () => tell({ ended: true }) })

function numbers(): Observable<number> {
  if (perSecond === undefined) return range(0, count)
  const batch = Math.ceil((perSecond * TICK_MS) / 1000)
  return interval(TICK_MS).pipe(
    concatMap(tick => range(tick * batch, batch)),
    take(count),
  )
}

function publish(number: number): Observable<unknown> {
  return broker.publish(TOPIC, messageOf({ number, fill }), keyOf(number)).pipe(
    tap(() => tell({ confirmed: number })),
    catchError((thrown: unknown) => {
      const { reason, retry } = RpcError.from(thrown)
      tell({ refused: number, reason, isSafe: retry.safe })
      return EMPTY
    }),
  )
}

function keyOf(number: number): { readonly key?: string } {
  return keys === undefined ? {} : { key: String(number % keys) }
}
