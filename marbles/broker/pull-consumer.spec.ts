import type { RpcError } from 'millrace/core'
import { type MarbleKit, marbles } from 'millrace/testing'
import type { NatsHeaders, NatsLink, NatsMessage, NatsPublishOptions } from 'millrace/transport/nats'
import { catchError, map, merge, NEVER, Observable, of, Subject, tap } from 'rxjs'
import { describe, it } from 'vitest'
import { JetStreamLink } from '../../src/broker/nats/jetstream-link.js'
import { KeptSession } from '../../src/broker/nats/kept-session.js'
import { PullConsumer } from '../../src/broker/nats/pull-consumer.js'

const decoder = new TextDecoder()

/** A link whose server confirms at once, and whose answers to pulls are given from outside. */
class ScriptedLink implements NatsLink {
  readonly server = 'scripted'
  readonly maxPayloadBytes = 1000
  readonly version = '2.9.10'
  readonly hasJetStream = true
  readonly lost$ = NEVER
  /** How many messages each pull asked for. */
  readonly pulls$ = new Subject<string>()
  private readonly subscribers = new Map<string, (message: NatsMessage) => void>()
  private inboxes = 0

  publish(_subject: string, data: Uint8Array, { reply }: NatsPublishOptions = {}): void {
    if (reply !== undefined) this.pulls$.next(String((JSON.parse(decoder.decode(data)) as { batch: number }).batch))
  }

  confirm(done: () => void): void {
    done()
  }

  subscribe(subject: string, onMessage: (message: NatsMessage) => void): () => void {
    this.subscribers.set(subject, onMessage)
    return () => void this.subscribers.delete(subject)
  }

  inbox(): string {
    return `_INBOX.${this.inboxes++}`
  }

  answer(message: NatsMessage): void {
    for (const [subject, subscriber] of this.subscribers) if (!subject.endsWith('*')) subscriber(message)
  }
}

/** What a server says: digits are deliveries with that number, `h` a sign of life, `e` that 3 did not come in time, `d` that the consumer is deleted. */
function said(letter: string): NatsMessage {
  const none = new Uint8Array()
  switch (letter) {
    case 'h':
      return { subject: '_INBOX', data: none, headers: status(100, 'Idle Heartbeat') }
    case 'e':
      return { subject: '_INBOX', data: none, headers: status(408, 'Request Timeout', '3') }
    case 'd':
      return { subject: '_INBOX', data: none, headers: status(409, 'Consumer Deleted') }
    default:
      return { subject: 't', data: none, reply: `$JS.ACK.s.c.1.${letter}.${letter}.0.0` }
  }
}

function status(code: number, description: string, pending = ''): NatsHeaders {
  return { code, description, get: () => pending, keys: () => [], lowerCased: () => ({}) }
}

interface Script extends MarbleKit {
  /** The numbers of deliveries, and `g` for a failure. */
  readonly delivered: Observable<string>
  readonly pulls: Observable<string>
}

/** An attachment that asks as a diagram of digits says, while the server says what another says. */
function script(asks: string, says: string, isGapless: boolean, spec: (script: Script) => void): void {
  marbles(kit => {
    const link = new ScriptedLink()
    const jetStream = new JetStreamLink(link, 5000, kit.runtime)
    const session = new KeptSession(of(jetStream))
    const options = { stream: 's', consumer: 'c', next: 1, isOwn: true, isGapless, session, runtime: kit.runtime }
    const consumer = new PullConsumer(jetStream, options)
    consumer.attach()
    const asked$ = kit.hot(asks).pipe(tap(count => consumer.request(Number(count))))
    const said$ = kit.hot(says).pipe(tap(letter => link.answer(said(letter))))
    const delivered = new Observable<string>(subscriber => {
      const given$ = consumer.deliveries$.pipe(
        map(({ sequence }) => String(sequence)),
        catchError((error: RpcError) => of(error.code === 'UNAVAILABLE' ? 'g' : error.code)),
      )
      const subscription = given$.subscribe(subscriber)
      subscription.add(merge(asked$, said$).subscribe())
      subscription.add(() => consumer.detach(() => {}))
      return subscription
    })
    spec({ ...kit, delivered, pulls: link.pulls$ })
  })
}

describe('PullConsumer', () => {
  it('asks once for all of one turn', () => {
    script('(23)-4', '-', false, ({ delivered, pulls, expectObservable }) => {
      expectObservable(delivered, '^---------!').toBe('-')
      expectObservable(pulls, '^--------!').toBe('5----4')
    })
  })

  it('asks again for what did not come in time', () => {
    script('5', '-12 3997ms e', false, ({ delivered, pulls, expectObservable }) => {
      expectObservable(delivered, '^ 4100ms !').toBe('-12')
      expectObservable(pulls, '^ 4100ms !').toBe('5 3999ms 3')
    })
  })

  it('fails after two signs of life that did not come', () => {
    script('5', '-1', false, ({ delivered, expectObservable }) => {
      expectObservable(delivered).toBe('-1 14998ms (g|)')
    })
  })

  it('waits as long as it hears signs of life', () => {
    script('5', '4999ms h 4999ms h 4999ms h 4999ms 1', false, ({ delivered, expectObservable }) => {
      expectObservable(delivered, '^ 20005ms !').toBe('19999ms 1')
    })
  })

  it('awaits no sign of life when nothing is owed', () => {
    script('1', '-1', false, ({ delivered, expectObservable }) => {
      expectObservable(delivered, '^ 60s !').toBe('-1')
    })
  })

  it('fails when its consumer was deleted', () => {
    script('5', '-1-d', false, ({ delivered, expectObservable }) => {
      expectObservable(delivered).toBe('-1-(g|)')
    })
  })

  it('fails at a gap where nothing is acknowledged', () => {
    script('5', '-12-4', true, ({ delivered, expectObservable }) => {
      expectObservable(delivered).toBe('-12-(g|)')
    })
  })

  it('takes any order where messages are acknowledged', () => {
    script('5', '-12-4', false, ({ delivered, expectObservable }) => {
      expectObservable(delivered, '^-----!').toBe('-12-4')
    })
  })
})
