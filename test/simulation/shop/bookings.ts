import { messageOf } from 'millrace/core'
import { unprocessable, type Broker, type Event } from 'millrace/broker'
import { pacedMap } from 'millrace/streams'
import type { ProcessContext } from 'millrace/testing'
import { catchError, defer, EMPTY, ignoreElements, map, takeUntil, timer, type Observable } from 'rxjs'
import { pacing } from './pacing.js'

const TOPIC = 'booking.made'
const ACCOUNTS = 3

/** Queue groups of bookings: the accounts keep those of one account in order. */
export const bookingQueues = ['accounts', 'audit'] as const

/** Whether nobody will ever be able to process a booking. */
export function isPoison(id: string): boolean {
  return id.startsWith('poison')
}

/** Publishes a booking with a durable broker; every tenth is poison. Who cannot reach it goes without. */
export function publishBooking({ name, life }: ProcessContext, broker: Broker, number: number): Observable<never> {
  const id = `${number % 10 === 0 ? 'poison' : 'booking'}-${name}-${life}-${number}`
  return defer(() => broker.publish(TOPIC, messageOf(number), { id, key: `account-${number % ACCOUNTS}` })).pipe(
    ignoreElements(),
    catchError(() => EMPTY),
  )
}

/** Processes bookings as a member of a queue group, some at the second try only, until the process is told to stop. */
export function processBookings(context: ProcessContext, queue: (typeof bookingQueues)[number]): Observable<unknown> {
  const { runtime, stop$ } = context
  const broker = context.createBroker({ backoffMs: [100, 500, 1000] })
  const process = (event: Event): Observable<unknown> => {
    const isFailing = isPoison(event.id) || runtime.random() < 0.05
    const worked$ = timer(5 + 40 * runtime.random(), runtime.scheduler)
    return isFailing ? worked$.pipe(map(() => fail(event, runtime.random()))) : worked$
  }
  return broker
    .subscribe(TOPIC, { queue, window: 8, ordered: queue === 'accounts', from: 'all' })
    .pipe(pacedMap(process, pacing(context, 4)), takeUntil(stop$))
}

function fail({ id }: Event, chance: number): never {
  if (isPoison(id) && chance < 0.5) throw unprocessable(`${id} is of no account`)
  throw new TypeError(`${id} cannot be booked now`)
}
