import type { Broker } from 'millrace/broker'
import { jetstreamBroker, natsConnection } from 'millrace/broker/nats'

/** How long the server waits for a process of which it hears nothing: a second, so that nobody who watches has to wait. */
const ACK_WAIT_MS = 1000
/** How long a connection stays open when nobody uses it any more, ms: the example ends when it does. */
const IDLE_MS = 200
/** How long orders are kept, ms. */
const MAX_AGE_MS = 3_600_000

/** The broker of all processes: one stream of JetStream, which is made when it is not there. */
export function orderBroker(server: string): Broker {
  return jetstreamBroker(natsConnection({ servers: [server], idleMs: IDLE_MS }), {
    stream: 'orders',
    subjects: ['orders.>'],
    maxAgeMs: MAX_AGE_MS,
    ackWaitMs: ACK_WAIT_MS,
  })
}
