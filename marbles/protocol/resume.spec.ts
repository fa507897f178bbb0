import { json } from 'millrace/codec'
import { silentLog, type LogEvent } from 'millrace/core'
import { rsocket, type ResumeOptions } from 'millrace/protocol/rsocket'
import { marbles } from 'millrace/testing'
import { memoryTransport, type Transport } from 'millrace/transport'
import { concat, defer, EMPTY, filter, map, NEVER, Observable, of, type Subscriber } from 'rxjs'
import { describe, it } from 'vitest'

interface Lanes {
  /** x: the first network connection is lost. y: the one over which the session went on. */
  readonly lost: string
  /** d: the client dials. r: the session goes on. e: it ends. */
  readonly client: string
  /** Dials that fail after the first one. */
  readonly failing: number
  readonly resume?: ResumeOptions
}

function check({ lost, client, failing, resume = {} }: Lanes): void {
  marbles(({ hot, runtime, expectObservable }) => {
    const loss$ = hot(lost)
    const lostAt = (letter: string): Observable<'lost'> =>
      concat(loss$, NEVER).pipe(
        filter(marble => marble === letter),
        map(() => 'lost'),
      )
    const calm = { ...runtime, random: () => 0 }
    const network = memoryTransport({
      runtime,
      faults: { link: ({ index }) => (index === 0 ? lostAt('x') : index > failing ? lostAt('y') : of('lost')) },
    })
    const events$ = new Observable((subscriber: Subscriber<string>) => {
      const log = ({ event }: LogEvent): void => {
        if (event === 'session.resumed') subscriber.next('r')
      }
      const dialling: Transport = {
        name: network.name,
        listen: address => network.listen(address),
        dial: address =>
          defer(() => {
            subscriber.next('d')
            return network.dial(address)
          }),
      }
      const common = { runtime: calm, codec: json(), resume, keepAliveMs: 1_000_000, maxLifetimeMs: 3_000_000 }
      const serving = rsocket(network, { ...common, log: silentLog }).listen('memory:server', () => ({
        call: () => EMPTY,
      }))
      const listening = serving.subscribe()
      listening.add(
        rsocket(dialling, { ...common, log })
          .connect('memory:server')
          .subscribe({ error: () => subscriber.next('e') }),
      )
      return listening
    })

    expectObservable(events$, '^ 30000ms !').toBe(client)
  })
}

describe('ClientResumption', () => {
  it('dials at once when its connection is lost', () => {
    check({
      lost: '  ---x',
      client: 'd--(dr)',
      failing: 0,
    })
  })

  it('dials ever more seldom', () => {
    check({
      lost: '  ---x',
      client: 'd--d 49ms d 99ms d 199ms d 399ms d 799ms d 1599ms d 2499ms d 2499ms d 2499ms (dr)',
      failing: 9,
    })
  })

  it('dials at once again when a connection has held', () => {
    check({
      lost: '  ---x 1499ms y',
      client: 'd--(dr) 1496ms (dr)',
      failing: 0,
    })
  })

  it('waits when a connection is lost at once again', () => {
    check({
      lost: '  ---x 499ms y',
      client: 'd--(dr) 546ms (dr)',
      failing: 0,
    })
  })

  it('gives up when the time of the session is up', () => {
    check({
      lost: '  ---x',
      client: 'd--d 49ms d 99ms d 99ms e',
      failing: 99,
      resume: { sessionMs: 250 },
    })
  })
})
