import type { Event } from 'millrace/broker'
import { pacedMap } from 'millrace/streams'
import { marbles } from 'millrace/testing'
import { delay, of, tap } from 'rxjs'
import { describe, it } from 'vitest'

describe('givenBroker', () => {
  it('acknowledges what has been worked on', () => {
    marbles(({ givenBroker }) => {
      const { publish, subscribe } = givenBroker()
      const worker = subscribe(
        'orders',
        '^---------!',
        pacedMap(() => of('done').pipe(delay(2)), { concurrency: 1 }),
      )

      publish('orders', '       -a-b--c-|')
      worker.expectDeliveries(' -a-b--c')
      worker.expectAcks('       ---a-b--c')
    })
  })

  it('delivers again what was refused', () => {
    marbles(({ givenBroker }) => {
      const { publish, subscribe } = givenBroker()
      const once = tap((event: Event) => (event.attempt === 1 ? event.nak(3) : event.ack()))
      const worker = subscribe('orders', '^------!', once, { ack: 'manual' })

      publish('orders', '      -a|')
      worker.expectDeliveries('-a--a')
      worker.expectAcks('      -A--a')
    })
  })
})
