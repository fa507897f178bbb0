import { actor, contract, on, onEvents, topic, type TopicHandler } from 'millrace/actors'
import { pacedMap } from 'millrace/streams'
import { marbles } from 'millrace/testing'
import { concat, delay, merge, mergeMap, NEVER, of, takeUntil, tap, throwError, timer } from 'rxjs'
import { describe, it } from 'vitest'
import * as z from 'zod'

const Placed = topic<string>('orders.placed')
const Billed = topic<string>('orders.billed')

function billing(...handlers: readonly TopicHandler[]) {
  return actor(contract('billing', {}), {}, ...handlers)
}

describe('given', () => {
  it('acknowledges an event when its work is done', () => {
    marbles(({ given, runtime }) => {
      const work = pacedMap(() => of('').pipe(delay(2)), { concurrency: 1, runtime })
      const orders = given(billing(on(Placed, work))).topic(Placed)

      orders.events('    -ab--|')
      orders.expectEnd(' -----|')
      orders.expectAcks('---a-b')
    })
  })

  it('shows in upper case which events come again', () => {
    marbles(({ given, runtime }) => {
      const work = pacedMap((order: string) => (order === 'a' ? throwError(() => 'no') : of(order)), { runtime })
      const orders = given(billing(on(Placed, work))).topic(Placed)

      orders.events('    -a-b-|')
      orders.expectEnd(' -----|')
      orders.expectAcks('-A-b')
    })
  })

  it('shows what a handler publishes', () => {
    marbles(({ given, runtime }) => {
      const handler = on(Placed, (order$, { bus, service }) =>
        order$.pipe(pacedMap(order => bus.publish(Billed, `${order} by ${service}`), { runtime })),
      )
      const orders = given(billing(handler)).topic(Placed)

      orders.events('                -a-b-|')
      orders.expectPublished(Billed, '-x-y', { x: 'a by billing', y: 'b by billing' })
      orders.expectEnd('             -----|')
    })
  })

  it('rejects what the schema of the topic refuses', () => {
    marbles(({ given, runtime }) => {
      const Numbers = topic('numbers', z.number())
      const numbers = given(
        billing(
          on(
            Numbers,
            pacedMap(n => of(n), { runtime }),
          ),
        ),
      ).topic(Numbers)

      numbers.events('    -ab|', { a: 'one', b: 2 })
      numbers.expectEnd(' ---|')
      numbers.expectAcks('-Ab')
    })
  })

  it('shows events that a handler settles by hand', () => {
    marbles(({ given }) => {
      const settle = onEvents(
        topic<string>('orders.*'),
        tap(event => (event.value === 'a' ? event.nak() : event.ack())),
        { ack: 'manual' },
      )
      const orders = given(billing(settle)).topic(Placed)

      orders.events('    -ab|')
      orders.expectEnd(' ---|')
      orders.expectAcks('-Ab')
    })
  })

  it('shows when a handler ends after its input', () => {
    marbles(({ given, runtime }) => {
      const last = on(Placed, order$ =>
        merge(NEVER.pipe(takeUntil(concat(order$, timer(3, runtime.scheduler)))), order$),
      )
      const orders = given(billing(last)).topic(Placed)

      orders.events('   --|')
      orders.expectEnd('-----|')
    })
  })

  it('shows when a handler fails', () => {
    marbles(({ given }) => {
      const failing = on(
        Placed,
        mergeMap(() => throwError(() => 'no')),
      )
      const orders = given(billing(failing)).topic(Placed)

      orders.events('   -a-|')
      orders.expectEnd('-#', 'no')
    })
  })
})
