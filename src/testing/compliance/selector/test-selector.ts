import type { Selector } from '../../../selector/index.js'
import { registerChecks, type TestRunner } from '../test-runner.js'
import { selectorChecks, type SelectorCapability } from './selector-checks.js'

/** A selector to be tried. */
export interface SelectorSubject {
  /** Its name, which its tests are shown under. */
  readonly name: string
  /** What is tried; a value, for whatever it learns belongs to a subscription. */
  readonly selector: Selector
  /** What it is not capable of: checks that need it are shown as skipped, with the reason. @default nothing */
  readonly lacks?: readonly SelectorCapability[]
}

/** Registers the checks of {@link selectorChecks} as tests of a selector. */
export function testSelector(runner: TestRunner, { name, selector, lacks = [] }: SelectorSubject): void {
  registerChecks(runner, selectorChecks, { name: `${name} as a Selector`, setup: () => ({ selector }), lacks })
}
