import {
  catchError,
  concatMap,
  defer,
  EMPTY,
  endWith,
  finalize,
  first,
  from,
  ignoreElements,
  map,
  NEVER,
  Observable,
  of,
  scan,
  Subscription,
  switchMap,
  takeLast,
  throwError,
  timer,
} from 'rxjs'
import { RpcError } from '../../core/index.js'
import type { NatsConnection } from '../../transport/nats/index.js'
import type { BrokerStatus } from '../broker-status.js'
import type {
  Appended,
  ConsumerOptions,
  LogConsumer,
  LogRecord,
  MessageLog,
  StartPosition,
  StoredRecord,
} from '../durable/message-log.js'
import { topicMatcher } from '../topic.js'
import { answerTo, type Json, numberOf, objectOf, question } from './jetstream-answer.js'
import { isMissing, unreachable } from './jetstream-errors.js'
import type { JetStreamLink } from './jetstream-link.js'
import { exclusiveTurn, TURN_MS } from './exclusive-turn.js'
import { ensureStream, jetStreamSession, onceLinked, type SessionOptions } from './jetstream-session.js'
import { KeptSession } from './kept-session.js'
import { natsHeadersOf } from './nats-header.js'
import { findConsumer, type FoundConsumer } from './find-consumer.js'
import { PullConsumer, type PulledDelivery } from './pull-consumer.js'

/** Messages that a reading asks for at a time. */
const READ_BATCH = 256

/** A stream of JetStream as a log. */
export function jetstreamLog(connection: NatsConnection, options: SessionOptions): MessageLog {
  return new JetStreamLog(connection, options)
}

class JetStreamLog implements MessageLog {
  readonly name = 'jetstream'
  readonly status$: Observable<BrokerStatus>
  readonly open$: Observable<never>
  private readonly options: SessionOptions
  private readonly stream: string
  private readonly session$: Observable<JetStreamLink | undefined>
  private readonly session: KeptSession
  private readonly covers: readonly ((topic: string) => boolean)[]

  constructor(connection: NatsConnection, options: SessionOptions) {
    this.status$ = connection.status$
    this.options = options
    this.stream = options.stream.name
    this.session$ = jetStreamSession(connection, options)
    this.session = new KeptSession(this.session$)
    this.open$ = this.session.open$
    this.covers = options.stream.subjects.map(topicMatcher)
  }

  append({ topic, id, header, payload }: LogRecord): Observable<Appended> {
    const request = {
      subject: topic,
      payload,
      headers: natsHeadersOf({ ...header, 'nats-msg-id': id }),
      read: (answer: Parameters<typeof answerTo>[1]): Appended => {
        const { seq, duplicate } = answerTo(`publish to ${topic}`, answer)
        return { sequence: numberOf(seq), duplicate: duplicate === true }
      },
    }
    return new Observable(subscriber => {
      if (!this.covers.some(matches => matches(topic))) throw this.notCovered(topic)
      this.session.keep()
      const { current } = this.session
      const appended$ =
        current === undefined
          ? onceLinked(this.session$, this.options, link => link.request(request))
          : current.request(request)
      const subscription = appended$.subscribe(subscriber)
      return () => {
        subscription.unsubscribe()
        this.session.release()
      }
    })
  }

  consume(options: ConsumerOptions): Observable<LogConsumer> {
    const isGapless = options.mode === 'unacknowledged'
    return this.whileLinked(link =>
      this.consumer(link, options).pipe(
        switchMap(found =>
          options.mode === 'exclusive'
            ? this.inTurn(link, found, options)
            : this.attached(link, found.name, { next: found.next, isGapless }),
        ),
      ),
    )
  }

  read(topic: string): Observable<StoredRecord> {
    const options = {
      topic,
      queue: undefined,
      start: { kind: 'all' },
      ackWaitMs: 1000,
      mode: 'unacknowledged',
    } as const
    return this.whileLinked(link =>
      this.consumer(link, options).pipe(
        switchMap(({ name, next, pending }) =>
          pending === 0 ? of(undefined) : this.attached(link, name, { next, isGapless: true }).pipe(switchMap(readAll)),
        ),
      ),
    ).pipe(untilUndefined())
  }

  remove(sequences: readonly number[]): Observable<never> {
    const removeOne = (link: JetStreamLink, seq: number): Observable<never> =>
      this.ask(link, `STREAM.MSG.DELETE.${this.stream}`, { seq, no_erase: true }).pipe(
        catchError((error: RpcError) => (isMissing(error) ? EMPTY : throwError(() => error))),
        ignoreElements(),
      )
    return onceLinked(this.session$, this.options, link =>
      from(sequences).pipe(concatMap(sequence => removeOne(link, sequence))),
    )
  }

  /** The consumer that is wanted, made when it is not there. */
  private consumer(link: JetStreamLink, options: ConsumerOptions): Observable<FoundConsumer> {
    return this.start(link, options).pipe(switchMap(start => findConsumer(link, this.stream, { ...options, start })))
  }

  /** Where a new consumer begins, by the numbers of the stream. */
  private start(link: JetStreamLink, { start, topic }: ConsumerOptions): Observable<StartPosition> {
    if (start.kind === 'sequence') {
      return this.ask(link, `STREAM.INFO.${this.stream}`, {}).pipe(
        map(({ state }) => (start.sequence > numberOf(objectOf(state)['last_seq']) + 1 ? ALL : start)),
      )
    }
    if (start.kind !== 'last') return of(start)
    return this.read(topic).pipe(
      map(({ sequence }) => sequence),
      scan((kept: readonly number[], sequence) => [...kept.slice(1 - start.count), sequence], []),
      endWith([]),
      takeLast(2), // the last, and what stands for none
      first(),
      map(([sequence]) => (sequence === undefined ? ALL : { kind: 'sequence', sequence })),
    )
  }

  /**
   * Attaches when it is our turn, which lasts until nothing is in hand any more. What a member had in hand that has died
   * comes again after the time for its acknowledgement, before everything else: until then nothing is asked for, so that
   * nothing overtakes it.
   */
  private inTurn(
    link: JetStreamLink,
    { name, next }: FoundConsumer,
    options: ConsumerOptions,
  ): Observable<LogConsumer> {
    const { runtime } = this.options
    const turns = { name: `${this.stream}-turns`, subjects: [`turns.${this.stream}.>`], maxAgeMs: TURN_MS } as const
    const turn$ = ensureStream(link, { ...this.options, stream: turns }).pipe(
      switchMap(() => exclusiveTurn(link, { stream: turns.name, subject: `turns.${this.stream}.${name}`, runtime })),
    )
    const returned$ = this.ask(link, `CONSUMER.INFO.${this.stream}.${name}`, {}).pipe(
      switchMap(info => timer(numberOf(info['num_ack_pending']) > 0 ? options.ackWaitMs : 0, runtime.scheduler)),
    )
    return new Observable(subscriber => {
      const turn = new Subscription()
      let end = (): void => turn.unsubscribe()
      const failed = (error: RpcError): void =>
        subscriber.error(error.code === 'ABORTED' ? unreachable(error, false) : error)
      const attach = (): void => {
        const consumer = this.pull(link, name, { next, isGapless: false })
        end = () => consumer.detach(() => turn.unsubscribe())
        subscriber.next(consumer)
      }
      subscriber.add(() => end())
      turn.add(
        turn$.subscribe({
          next: ({ isHandedOver }) =>
            subscriber.add((isHandedOver ? of(0) : returned$).subscribe({ next: attach, error: failed })),
          error: failed,
        }),
      )
    })
  }

  private attached(link: JetStreamLink, consumer: string, options: Attachment): Observable<PullConsumer> {
    return new Observable(subscriber => {
      const attached = this.pull(link, consumer, options)
      subscriber.add(() => attached.detach(() => {}))
      subscriber.next(attached)
    })
  }

  private pull(link: JetStreamLink, consumer: string, { next, isGapless }: Attachment): PullConsumer {
    const { stream, session } = this
    const { runtime } = this.options
    const attached = new PullConsumer(link, { stream, consumer, next, isGapless, session, runtime })
    attached.attach()
    return attached
  }

  /** Runs over the link there is, and fails when it is lost; keeps the session. */
  private whileLinked<T>(run: (link: JetStreamLink) => Observable<T>): Observable<T> {
    return defer(() => {
      this.session.keep()
      let wasLinked = false
      return this.session$.pipe(
        switchMap(link => {
          if (link !== undefined) {
            wasLinked = true
            return run(link)
          }
          return wasLinked ? throwError(() => unreachable(undefined, false)) : NEVER
        }),
        finalize(() => this.session.release()),
      )
    })
  }

  private ask(link: JetStreamLink, path: string, payload: object): Observable<Json> {
    const subject = `$JS.API.${path}`
    const read = (answer: Parameters<typeof answerTo>[1]): Json => answerTo(path, answer)
    return link.request({ subject, payload: question(payload), read })
  }

  private notCovered(topic: string): RpcError {
    const { name, subjects } = this.options.stream
    const message = `publish to ${topic}: stream ${name} keeps ${subjects.join(', ')}, and not this topic`
    return new RpcError('FAILED_PRECONDITION', message, { reason: 'no_log_for_topic' })
  }
}

interface Attachment {
  readonly next: number
  readonly isGapless: boolean
}

const ALL: StartPosition = { kind: 'all' }

/** Everything that a consumer has now, and then `undefined`. */
function readAll(consumer: PullConsumer): Observable<PulledDelivery | undefined> {
  return new Observable(subscriber => {
    let asked = READ_BATCH
    subscriber.add(
      consumer.deliveries$.subscribe({
        next: delivery => {
          subscriber.next(delivery)
          if (delivery.pending === 0) subscriber.next(undefined)
          else if (--asked === 0) consumer.request((asked = READ_BATCH))
        },
        error: error => subscriber.error(error),
      }),
    )
    consumer.request(asked)
  })
}

function untilUndefined() {
  return <T>(source: Observable<T | undefined>): Observable<T> =>
    new Observable(subscriber =>
      source.subscribe({
        next: value => (value === undefined ? subscriber.complete() : subscriber.next(value)),
        error: error => subscriber.error(error),
        complete: () => subscriber.complete(),
      }),
    )
}
