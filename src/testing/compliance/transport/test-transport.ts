import { registerChecks, type Subject, type TestRunner } from '../test-runner.js'
import { backpressure } from './backpressure.js'
import { closing } from './closing.js'
import { delivery } from './delivery.js'
import { dialling } from './dialling.js'
import { leaks } from './leaks.js'
import { listening } from './listening.js'
import type { TransportCapability, TransportCheck, TransportSetup } from './transport-check.js'

/** Everything that the contract of `Transport` says, as checks. */
export const transportChecks: readonly TransportCheck[] = [
  ...delivery,
  ...closing,
  ...dialling,
  ...listening,
  ...backpressure,
  ...leaks,
]

/** Registers the checks of {@link transportChecks} as tests of a transport. */
export function testTransport(runner: TestRunner, subject: Subject<TransportSetup, TransportCapability>): void {
  registerChecks(runner, transportChecks, { ...subject, name: `${subject.name} as a Transport` })
}
