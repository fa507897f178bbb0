import type { Broker } from 'millrace/broker'
import { jetstreamBroker, natsBroker, natsConnection } from 'millrace/broker/nats'
import { consoleLog, type Log, type LogEvent } from 'millrace/core'
import type { NatsConnection } from 'millrace/transport/nats'
import type { Party, SubscriberParty, Told } from './party.js'

/** Failures of poison come again after these, ms. */
export const BACKOFF_MS: readonly number[] = [200, 400, 800]
/** Deliveries of one message, after which it is a dead letter. */
export const MAX_DELIVER = 5

/** The broker that a party uses, and the way there. */
export function brokerOf(
  party: Party & Partial<SubscriberParty>,
  log: Log = toStderr,
): { broker: Broker; connection: NatsConnection } {
  const { engine, servers, replicas = 1, ackWaitMs = 30_000, maxPendingBytes } = party
  const connection = natsConnection({ servers, idleMs: 200, log })
  if (engine === 'nats')
    return { connection, broker: natsBroker(connection, { log, ...(maxPendingBytes && { maxPendingBytes }) }) }
  const given = { stream: 'faults', subjects: ['faults.>'], replicas, ackWaitMs, log }
  return {
    connection,
    broker: jetstreamBroker(connection, {
      ...given,
      backoffMs: BACKOFF_MS,
      maxDeliver: MAX_DELIVER,
      publishTimeoutMs: 60_000,
    }),
  }
}

/** Tells in a line of JSON; it is written when this returns. */
export function tell(what: Omit<Told, 'at'>): void {
  process.stdout.write(`${JSON.stringify({ ...what, at: Date.now() })}\n`)
}

/** What is logged goes to stderr, which is shown when this process fails. */
function toStderr(event: LogEvent): void {
  consoleLog({ ...event, level: 'warn' })
}
