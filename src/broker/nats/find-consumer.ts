import { catchError, map, type Observable, throwError } from 'rxjs'
import type { RpcError } from '../../core/index.js'
import type { ConsumerOptions, StartPosition } from '../durable/message-log.js'
import { answerTo, type Json, numberOf, objectOf, question } from './jetstream-answer.js'
import { isMissing, settingsDiffer } from './jetstream-errors.js'
import type { JetStreamLink } from './jetstream-link.js'
import { differences, nanoseconds, withoutUndefined } from './stream-settings.js'

/** Most messages of one consumer that are not acknowledged, over all members; the server's own default is 1000. */
const MAX_ACK_PENDING = 100_000
/** Most pulls of one consumer that wait, over all members, each of which has a few; the server's own default is 512. */
const MAX_WAITING = 4096
/** How long the server keeps a consumer without a name that nobody asks for messages, ms. */
const INACTIVE_MS = 60_000

/** A consumer of a stream. */
export interface FoundConsumer {
  /** Its name. */
  readonly name: string
  /** Sequence of the first message that it has not delivered. */
  readonly next: number
  /** Sequence of the first message that may not be acknowledged. */
  readonly unacknowledged: number
  /** Number of its last delivery. */
  readonly delivery: number
  /** How many messages it has delivered that are not acknowledged. */
  readonly inHand: number
  /** How many messages wait for it. */
  readonly pending: number
}

/** What consumer is wanted. */
export interface NamedConsumer extends ConsumerOptions {
  /** Its name; `undefined` for one that the server forgets when nobody asks it for messages. */
  readonly name: string | undefined
}

/**
 * The consumer of a stream that is wanted, made when it is not there. Fails with FAILED_PRECONDITION (reason
 * `settings_differ`) when it is there and is another one; where it began does not matter then.
 */
export function findConsumer(link: JetStreamLink, stream: string, options: NamedConsumer): Observable<FoundConsumer> {
  const { name, topic } = options
  const ask = (path: string, payload: object): Observable<Json> =>
    link.request({
      subject: `$JS.API.CONSUMER.${path}`,
      payload: question(payload),
      read: answer => answerTo(`consumer of ${topic} in stream ${stream}`, answer),
    })
  const config = consumerConfig(options)
  if (name === undefined) return ask(`CREATE.${stream}`, { stream_name: stream, config }).pipe(map(foundConsumer))
  const wanted = { ...config, durable_name: name }
  const checked$ = ask(`INFO.${stream}.${name}`, {}).pipe(
    map(info => {
      const differing = differences(withoutStart(wanted), objectOf(info['config']))
      if (differing.length > 0) throw settingsDiffer(`consumer ${name} of stream ${stream}`, differing)
      return foundConsumer(info)
    }),
  )
  const made$ = ask(`DURABLE.CREATE.${stream}.${name}`, { stream_name: stream, config: wanted }).pipe(
    map(foundConsumer),
    // Another member may be faster; then it is there, and is looked at.
    catchError((refusal: RpcError) => checked$.pipe(catchError(() => throwError(() => refusal)))),
  )
  return checked$.pipe(catchError((error: RpcError) => (isMissing(error) ? made$ : throwError(() => error))))
}

/** Reads what the server says of a consumer. */
export function foundConsumer(info: Json): FoundConsumer {
  return {
    name: String(info['name']),
    next: numberOf(objectOf(info['delivered'])['stream_seq']) + 1,
    unacknowledged: numberOf(objectOf(info['ack_floor'])['stream_seq']) + 1,
    delivery: numberOf(objectOf(info['delivered'])['consumer_seq']),
    inHand: numberOf(info['num_ack_pending']),
    pending: numberOf(info['num_pending']),
  }
}

function consumerConfig({ topic, name, ackWaitMs, mode, start }: NamedConsumer): Json {
  const isAcknowledged = mode !== 'unacknowledged'
  return withoutUndefined({
    ...positionOf(start),
    filter_subject: topic,
    ack_policy: isAcknowledged ? 'explicit' : 'none',
    ack_wait: isAcknowledged ? nanoseconds(ackWaitMs) : undefined,
    max_deliver: isAcknowledged ? -1 : undefined,
    max_ack_pending: isAcknowledged ? MAX_ACK_PENDING : undefined,
    max_waiting: MAX_WAITING,
    replay_policy: 'instant',
    inactive_threshold: name === undefined ? nanoseconds(INACTIVE_MS) : undefined,
  })
}

function positionOf(start: StartPosition): Json {
  switch (start.kind) {
    case 'new':
      return { deliver_policy: 'new' }
    case 'sequence':
      return { deliver_policy: 'by_start_sequence', opt_start_seq: start.sequence }
    case 'time':
      return { deliver_policy: 'by_start_time', opt_start_time: new Date(start.ms).toISOString() }
    default:
      return { deliver_policy: 'all' }
  }
}

/** Where a consumer began is of no importance once it has. */
function withoutStart(config: Json): Json {
  return Object.fromEntries(Object.entries(config).filter(([name]) => !/^(?:deliver_policy$|opt_start_)/.test(name)))
}
