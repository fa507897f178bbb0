import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  exhaustMap,
  finalize,
  from,
  ignoreElements,
  interval,
  map,
  merge,
  NEVER,
  Observable,
  of,
  share,
  Subscription,
  switchMap,
  takeUntil,
  tap,
  throwError,
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
import { consumerName } from './consumer-name.js'
import { ConsumerPositions } from './consumer-positions.js'
import { answerTo, type Json, numberOf, objectOf, question } from './jetstream-answer.js'
import { isMissing, unreachable } from './jetstream-errors.js'
import type { JetStreamLink } from './jetstream-link.js'
import { exclusiveTurn, TURN_MS } from './exclusive-turn.js'
import { ensureStream, jetStreamSession, onceLinked, type SessionOptions } from './jetstream-session.js'
import { lastStart, type LastStartOptions } from './last-start.js'
import { KeptSession } from './kept-session.js'
import { natsHeadersOf } from './nats-header.js'
import { findConsumer, foundConsumer, type FoundConsumer } from './find-consumer.js'
import { PullConsumer, type PullOptions } from './pull-consumer.js'
import { readAll } from './read-all.js'
import { returnUnsettled } from './return-unsettled.js'

/** How often it is looked how far a consumer is, ms. */
const NOTE_MS = 30_000

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
  private readonly positions: ConsumerPositions
  /** Looks whether the stream is there, once for all who wonder. */
  private readonly looked$: Observable<never>

  constructor(connection: NatsConnection, options: SessionOptions) {
    this.status$ = connection.status$
    this.options = options
    this.stream = options.stream.name
    this.session$ = jetStreamSession(connection, options)
    this.session = new KeptSession(this.session$)
    this.open$ = this.session.open$
    this.covers = options.stream.subjects.map(topicMatcher)
    this.positions = new ConsumerPositions()
    this.looked$ = defer(() => (this.session.current ? ensureStream(this.session.current, options) : EMPTY)).pipe(
      ignoreElements(),
      share(),
    )
  }

  append({ topic, id, header, payload }: LogRecord): Observable<Appended> {
    const request = {
      subject: topic,
      payload,
      headers: natsHeadersOf(header['nats-msg-id'] === id ? header : { ...header, 'nats-msg-id': id }),
      read: (answer: Parameters<typeof answerTo>[1]): Appended => {
        const { seq, duplicate, stream } = answerTo(`publish to ${topic}`, answer)
        if (stream !== this.stream) throw this.notCovered(topic, `stream ${String(stream)} took it`)
        return { sequence: numberOf(seq), duplicate: duplicate === true }
      },
    }
    return new Observable(subscriber => {
      const { subjects } = this.options.stream
      if (!this.covers.some(matches => matches(topic)))
        throw this.notCovered(topic, `which keeps ${subjects.join(', ')}`)
      this.session.keep()
      const { current } = this.session
      const appended$ =
        current === undefined
          ? onceLinked(this.session$, this.options, link => link.request(request))
          : current.request(request).pipe(catchError((error: RpcError) => this.notTaken(error)))
      const subscription = appended$.subscribe(subscriber)
      return () => {
        subscription.unsubscribe()
        this.session.release()
      }
    })
  }

  /** Nobody was there to take a record: a cluster without a leader, or the stream was taken away, and is made again. */
  private notTaken(error: RpcError): Observable<never> {
    const wasNotSent = error.code === 'UNAVAILABLE' && error.retry.safe
    return concat(
      wasNotSent ? this.looked$ : EMPTY,
      throwError(() => error),
    )
  }

  consume(options: ConsumerOptions): Observable<LogConsumer> {
    const isGapless = options.mode === 'unacknowledged'
    return this.whileLinked(link =>
      this.consumer(link, options).pipe(
        switchMap(found => {
          const { name, next } = found
          if (options.queue === undefined) return this.attached(link, name, { next, isGapless, isOwn: true })
          const consumer$ =
            options.mode === 'exclusive'
              ? this.inTurn(link, found, options)
              : this.attached(link, name, { next, isGapless, isOwn: false })
          return merge(consumer$, this.noting(link, name))
        }),
      ),
    )
  }

  read(topic: string): Observable<StoredRecord> {
    const options = {
      topic,
      queue: undefined,
      member: '',
      start: { kind: 'all' },
      ackWaitMs: 1000,
      mode: 'unacknowledged',
    } as const
    return this.once(link =>
      this.consumer(link, options).pipe(
        switchMap(({ name, next, pending }) =>
          this.pulling(link, name, { next, isGapless: true, isOwn: true }, consumer =>
            pending === 0 ? EMPTY : readAll(consumer),
          ),
        ),
      ),
    )
  }

  remove(sequences: readonly number[]): Observable<never> {
    const removeOne = (link: JetStreamLink, seq: number): Observable<never> =>
      this.ask(link, `STREAM.MSG.DELETE.${this.stream}`, { seq, no_erase: true }).pipe(
        catchError((error: RpcError) => (isMissing(error) ? EMPTY : throwError(() => error))),
        ignoreElements(),
      )
    return this.once(link => from(sequences).pipe(concatMap(sequence => removeOne(link, sequence))))
  }

  /** The consumer that is wanted, made when it is not there: where it was, when we know, for others do not. */
  private consumer(link: JetStreamLink, options: ConsumerOptions): Observable<FoundConsumer> {
    const { queue, topic } = options
    const name = queue === undefined ? undefined : consumerName(queue, topic)
    return ensureStream(link, this.options).pipe(
      switchMap(({ created, state }) => {
        this.positions.streamMade(String(created))
        const known = name === undefined ? undefined : this.positions.of(name)
        const wanted = known === undefined ? options.start : ({ kind: 'sequence', sequence: known } as const)
        const { first_seq: first, last_seq: last } = objectOf(state)
        return this.start(link, wanted, { topic, first: numberOf(first), last: numberOf(last) })
      }),
      switchMap(start => findConsumer(link, this.stream, { ...options, name, start })),
      // It went between two questions: the next attempt finds out what is missing.
      catchError((error: RpcError) => throwError(() => (isMissing(error) ? unreachable(error, false) : error))),
      tap(found => this.noted(name, found)),
    )
  }

  /** Where a new consumer begins, by the numbers of the stream. */
  private start(link: JetStreamLink, start: StartPosition, at: Extent): Observable<StartPosition> {
    const { topic, first, last } = at
    if (start.kind === 'sequence') return of(start.sequence > last + 1 ? ALL : start)
    if (start.kind !== 'last') return of(start)
    return lastStart(link, { stream: this.stream, topic, count: start.count, first, last })
  }

  /** Remembers how far a consumer is that outlives its members, for the case that somebody takes it away. */
  private noted(name: string | undefined, { unacknowledged }: FoundConsumer): void {
    if (name !== undefined) this.positions.note(name, unacknowledged)
  }

  /** Looks now and then how far a consumer is. */
  private noting(link: JetStreamLink, name: string): Observable<never> {
    return interval(NOTE_MS, this.options.runtime.scheduler).pipe(
      exhaustMap(() => this.info(link, name).pipe(catchError(() => EMPTY))), // who is attached hears of it
      tap(found => this.noted(name, found)),
      ignoreElements(),
    )
  }

  private info(link: JetStreamLink, name: string): Observable<FoundConsumer> {
    return this.ask(link, `CONSUMER.INFO.${this.stream}.${name}`, {}).pipe(map(foundConsumer))
  }

  /**
   * Attaches when it is our turn, which lasts until nothing is in hand any more. What a member had in hand that did not
   * say so comes again first, so that nothing overtakes it.
   */
  private inTurn(
    link: JetStreamLink,
    { name, next }: FoundConsumer,
    { member, ackWaitMs }: ConsumerOptions,
  ): Observable<LogConsumer> {
    const { stream } = this
    const { runtime, stream: settings } = this.options
    const turns = {
      name: `${stream}-turns`,
      subjects: [`turns.${stream}.>`],
      maxAgeMs: TURN_MS,
      ...(settings.replicas !== undefined && { replicas: settings.replicas }),
    }
    const turn$ = ensureStream(link, { ...this.options, stream: turns, create: true }).pipe(
      switchMap(() => exclusiveTurn(link, { stream: turns.name, subject: `turns.${stream}.${name}`, member, runtime })),
    )
    const returned$ = this.info(link, name).pipe(
      switchMap(found => (found.inHand > 0 ? returnUnsettled(link, found, { stream, ackWaitMs, runtime }) : EMPTY)),
    )
    return new Observable(subscriber => {
      const turn = new Subscription()
      let end = (): void => turn.unsubscribe()
      const failed = (error: RpcError): void =>
        subscriber.error(error.code === 'ABORTED' ? unreachable(error, false) : error)
      const attach = (): void => {
        const consumer = this.pull(link, name, { next, isGapless: false, isOwn: false })
        end = () => consumer.detach(() => turn.unsubscribe())
        subscriber.next(consumer)
      }
      subscriber.add(() => end())
      turn.add(
        turn$.subscribe({
          next: ({ isHandedOver }) =>
            subscriber.add((isHandedOver ? EMPTY : returned$).subscribe({ complete: attach, error: failed })),
          error: failed,
        }),
      )
    })
  }

  private attached(link: JetStreamLink, name: string, attachment: Attachment): Observable<PullConsumer> {
    return this.pulling(link, name, attachment, consumer => concat(of(consumer), NEVER))
  }

  /** Attaches for as long as it is used. */
  private pulling<T>(
    link: JetStreamLink,
    name: string,
    attachment: Attachment,
    use: (consumer: PullConsumer) => Observable<T>,
  ): Observable<T> {
    return defer(() => {
      const consumer = this.pull(link, name, attachment)
      return use(consumer).pipe(finalize(() => consumer.detach(() => {})))
    })
  }

  private pull(link: JetStreamLink, consumer: string, attachment: Attachment): PullConsumer {
    const { stream, session } = this
    const { runtime } = this.options
    const attached = new PullConsumer(link, { stream, consumer, ...attachment, session, runtime })
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

  /** Runs once, over the link there is or will be in time; fails when it is lost; keeps the session. */
  private once<T>(run: (link: JetStreamLink) => Observable<T>): Observable<T> {
    return defer(() => {
      this.session.keep()
      return onceLinked(this.session$, this.options, link => run(link).pipe(takeUntil(link.link.lost$))).pipe(
        finalize(() => this.session.release()),
      )
    })
  }

  private ask(link: JetStreamLink, path: string, payload: object): Observable<Json> {
    const subject = `$JS.API.${path}`
    const read = (answer: Parameters<typeof answerTo>[1]): Json => answerTo(path, answer)
    return link.request({ subject, payload: question(payload), read })
  }

  private notCovered(topic: string, why: string): RpcError {
    const message = `publish to ${topic}: it is no topic of stream ${this.stream}, ${why}`
    return new RpcError('FAILED_PRECONDITION', message, { reason: 'no_log_for_topic' })
  }
}

type Attachment = Pick<PullOptions, 'next' | 'isGapless' | 'isOwn'>

type Extent = Pick<LastStartOptions, 'topic' | 'first' | 'last'>

const ALL: StartPosition = { kind: 'all' }
