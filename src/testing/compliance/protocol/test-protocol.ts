import { registerChecks, type Subject, type TestRunner } from '../test-runner.js'
import { calls } from './calls.js'
import { connecting } from './connecting.js'
import { ending } from './ending.js'
import { pacing } from './pacing.js'
import type { ProtocolCapability, ProtocolCheck, ProtocolSetup } from './protocol-check.js'

/** Everything that the contracts of `Protocol` and `Peer` say, as checks. */
export const protocolChecks: readonly ProtocolCheck[] = [...calls, ...ending, ...pacing, ...connecting]

/** Registers the checks of {@link protocolChecks} as tests of a protocol. */
export function testProtocol(runner: TestRunner, subject: Subject<ProtocolSetup, ProtocolCapability>): void {
  registerChecks(runner, protocolChecks, { ...subject, name: `${subject.name} as a Protocol` })
}
