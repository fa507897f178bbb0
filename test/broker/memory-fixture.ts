import type { Broker } from 'millrace/broker'
import type { BrokerFixture } from '../compliance/broker.js'

/** A broker of this process as the suite wants it: it knows subscriptions at once, and ends with its subscribers. */
export function memoryFixture(broker: Broker, patienceMs: number = 5000): BrokerFixture {
  return { broker, patienceMs, ready: async () => {}, close: async () => {} }
}
