import { type Code, codes, emptyHeader, type Header, RpcError } from '../../core/index.js'
import type { DeadLetter } from '../dead-letters.js'
import type { Envelope } from '../envelope.js'
import type { LogDelivery, LogRecord, StoredRecord } from './message-log.js'

/** What a letter says about a message, beside the message as it was. */
export interface Failure {
  /** The queue group that gave up. */
  readonly queue: string | undefined
  /** How often the message was delivered. */
  readonly attempts: number
  /** Why the last attempt failed. */
  readonly error: RpcError
}

const MAX_MESSAGE = 500
const NO_PAYLOAD = new Uint8Array(0)

/** The names of what the library adds to records, beside the envelope's; nobody else's begin with `millrace-`. */
const names = {
  id: 'millrace-id',
  queue: 'millrace-queue',
  attempts: 'millrace-attempts',
  code: 'millrace-error-code',
  errorReason: 'millrace-error-reason',
  message: 'millrace-error',
  sequence: 'millrace-sequence',
  publishedAt: 'millrace-published',
  replays: 'millrace-replays',
  replayFor: 'millrace-for',
  leftOut: 'millrace-left-out',
} as const

/** Id of the message of a record: its own, unless it was replayed under another one. */
export function messageIdOf({ id, header }: LogRecord): string {
  return header[names.id] ?? id
}

/** Whether a record is for a group: all are, but those that were replayed for another one. */
export function isFor(queue: string | undefined, { header }: LogRecord): boolean {
  const meant = header[names.replayFor]
  return meant === undefined || meant === nameOf(queue)
}

/** The record of a dead letter: the message as it was, and what is said about it in its header. */
export function letterRecord(prefix: string, delivery: LogDelivery, failure: Failure): LogRecord {
  const { topic, sequence, header, payload } = delivery
  const id = messageIdOf(delivery)
  return {
    topic: `${prefix}.${topic}`,
    // One letter, however often it is written down.
    id: `dead:${nameOf(failure.queue)}:${id}:${sequence}`,
    header: withEntries(header, entriesOf(delivery, failure)),
    payload,
  }
}

/** The same without the message, where a log does not take it with what is said about it. */
export function bareLetterRecord(prefix: string, delivery: LogDelivery, failure: Failure): LogRecord {
  const header = withEntries(emptyHeader, { ...entriesOf(delivery, failure), [names.leftOut]: 'message' })
  return { ...letterRecord(prefix, delivery, failure), header, payload: NO_PAYLOAD }
}

/** Whether the message of a letter is only to be found where it was published. */
export function isBare({ header }: LogRecord): boolean {
  return header[names.leftOut] !== undefined
}

/** Reads a letter; whatever is missing or wrong in its header is as little as can be. */
export function readLetter(prefix: string, record: StoredRecord, envelope: Envelope): DeadLetter {
  const { header, payload, topic, sequence, appendedAt } = record
  const code = (codes as readonly string[]).includes(header[names.code] ?? '')
    ? (header[names.code] as Code)
    : 'UNKNOWN'
  let message
  try {
    message = envelope.read({ header, payload })
  } catch {
    message = { header, body: payload } // unreadable: that is why it is a dead letter
  }
  return {
    id: String(sequence),
    messageId: messageIdOf(record),
    topic: topic.slice(prefix.length + 1),
    queue: queueOf(header),
    message,
    attempts: numberOf(header, names.attempts) ?? 0,
    error: new RpcError(code, header[names.message] ?? '', reasonOf(header)),
    sequence: numberOf(header, names.sequence),
    publishedAt: numberOf(header, names.publishedAt) ?? appendedAt,
    deadAt: appendedAt,
    replays: numberOf(header, names.replays) ?? 0,
  }
}

/** The record that gives a dead message to its group again, under an id of its own. */
export function replayRecord(record: StoredRecord, letter: DeadLetter): LogRecord {
  const { queue, replays, topic } = letter
  const kept = Object.entries(record.header).filter(
    ([name]) => !name.startsWith('millrace-') || name === 'millrace-key',
  )
  return {
    topic,
    id: `replay:${messageIdOf(record)}:${record.sequence}`,
    header: withEntries(Object.fromEntries(kept), {
      [names.id]: letter.messageId,
      [names.replays]: String(replays + 1),
      [names.replayFor]: nameOf(queue),
    }),
    payload: record.payload,
  }
}

function entriesOf(delivery: LogDelivery, { queue, attempts, error }: Failure): { readonly [name: string]: string } {
  return {
    [names.id]: messageIdOf(delivery),
    [names.queue]: nameOf(queue),
    [names.attempts]: String(attempts),
    [names.code]: error.code,
    [names.errorReason]: error.reason,
    [names.message]: oneLine(error.rawMessage),
    [names.sequence]: String(delivery.sequence),
    [names.publishedAt]: String(delivery.appendedAt),
  }
}

/** The name of a group, as it is written in a header; `''` for who has none. */
function nameOf(queue: string | undefined): string {
  return queue === undefined ? '' : encodeURIComponent(queue.toWellFormed())
}

function queueOf(header: Header): string | undefined {
  try {
    return decodeURIComponent(header[names.queue] ?? '') || undefined
  } catch {
    return header[names.queue] // not written by us
  }
}

function reasonOf(header: Header): { readonly reason?: string } {
  const reason = header[names.errorReason]
  return reason === undefined ? {} : { reason }
}

function numberOf(header: Header, name: string): number | undefined {
  const value = Number(header[name])
  return header[name] !== undefined && Number.isFinite(value) ? value : undefined
}

function withEntries(entries: Header, more: { readonly [name: string]: string }): Header {
  return Object.assign(Object.create(null), entries, more) as Header
}

function oneLine(text: string): string {
  return text
    .replace(/[^ -~]+/g, ' ')
    .slice(0, MAX_MESSAGE)
    .trim()
}
