import { registerChecks, type Subject, type TestRunner } from '../test-runner.js'
import type { BrokerCapability, BrokerCheck, BrokerSetup } from './broker-check.js'
import { deadLetters } from './dead-letters.js'
import { order } from './order.js'
import { publishing } from './publishing.js'
import { queues } from './queues.js'
import { redelivery } from './redelivery.js'
import { replay } from './replay.js'
import { wildcards } from './wildcards.js'

/** Everything that the contract of `Broker` says, as checks. */
export const brokerChecks: readonly BrokerCheck[] = [
  ...publishing,
  ...wildcards,
  ...queues,
  ...redelivery,
  ...deadLetters,
  ...order,
  ...replay,
]

/** Registers the checks of {@link brokerChecks} as tests of a broker. */
export function testBroker(runner: TestRunner, subject: Subject<BrokerSetup, BrokerCapability>): void {
  registerChecks(runner, brokerChecks, { ...subject, name: `${subject.name} as a Broker` })
}
