import { registerChecks, type Subject, type TestRunner } from '../test-runner.js'
import { announcing } from './announcing.js'
import { answering } from './answering.js'
import { outages } from './outages.js'
import type { RegistryCapability, RegistryCheck, RegistrySetup } from './registry-check.js'
import { showing } from './showing.js'

/** Everything that the contract of `Registry` says, as checks. */
export const registryChecks: readonly RegistryCheck[] = [...announcing, ...showing, ...answering, ...outages]

/** Registers the checks of {@link registryChecks} as tests of a registry. */
export function testRegistry(runner: TestRunner, subject: Subject<RegistrySetup, RegistryCapability>): void {
  registerChecks(runner, registryChecks, { ...subject, name: `${subject.name} as a Registry` })
}
