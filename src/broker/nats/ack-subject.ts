/** What the subject says that a delivery is acknowledged at. */
export interface AckSubject {
  /** How often the message was delivered to the consumer. */
  readonly attempt: number
  /** Number of the message in the stream. */
  readonly sequence: number
  /** Number of the delivery at the consumer. */
  readonly delivery: number
  /** When the stream got the message, ms since 1970. */
  readonly appendedAt: number
  /** How many messages wait for the consumer behind this one. */
  readonly pending: number
}

/** `$JS.ACK.stream.consumer`, and what stands before those where there are domains and accounts. */
const SHORT = 9
const NAMES = 4
const LONG_NAMES = 6

const NS_PER_MS = 1_000_000

/** Reads `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<ns>.<pending>`; `undefined` for others. */
export function readAckSubject(subject: string): AckSubject | undefined {
  if (!subject.startsWith('$JS.ACK.')) return undefined
  const parts = subject.split('.')
  const first = parts.length === SHORT ? NAMES : LONG_NAMES
  const [attempt, sequence, delivery, ns, pending] = parts.slice(first, first + 5).map(Number)
  if (attempt === undefined || sequence === undefined || delivery === undefined) return undefined
  if (ns === undefined || pending === undefined || !(sequence > 0)) return undefined
  return { attempt, sequence, delivery, appendedAt: Math.trunc(ns / NS_PER_MS), pending }
}

/** Where a delivery is settled that this process has not seen; no domain or account is needed for that. */
export function ackSubject(
  stream: string,
  consumer: string,
  { sequence, delivery }: Pick<AckSubject, 'sequence' | 'delivery'>,
): string {
  return `$JS.ACK.${stream}.${consumer}.1.${sequence}.${delivery}.0.0`
}
