import { runCheck, type Check, type CheckSetup } from './check.js'

/** `describe` and `it` of the test runner that the checks are to run in: those of vitest, jest and `node:test` fit. */
export interface TestRunner {
  /** Names the tests that `body` registers. */
  readonly describe: (name: string, body: () => void) => unknown
  /** Registers a test. */
  readonly it: TestRegistration
}

/** Registers a test, or one that is shown as skipped. */
export interface TestRegistration {
  /** A test that is run. */
  (title: string, run: () => Promise<void>): unknown
  /** A test that is shown and not run. */
  readonly skip: (title: string, run: () => Promise<void>) => unknown
}

/** An implementation to be tried. */
export interface Subject<Setup extends CheckSetup, Capability extends string = never> {
  /** Its name, which its tests are shown under. */
  readonly name: string
  /** Makes what one check needs; called anew for each, so that no check meets what another left. */
  readonly setup: () => Setup | Promise<Setup>
  /** What it is not capable of: checks that need it are shown as skipped, with the reason. @default nothing */
  readonly lacks?: readonly Capability[]
}

/** Registers every check as a test of its own. */
export function registerChecks<Setup extends CheckSetup, Capability extends string>(
  { describe, it }: TestRunner,
  checks: readonly Check<Setup, Capability>[],
  { name, setup, lacks = [] }: Subject<Setup, Capability>,
): void {
  describe(name, () => {
    for (const check of checks) {
      const run = async (): Promise<void> => runCheck(check, await setup())
      if (check.needs !== undefined && lacks.includes(check.needs))
        it.skip(`${check.title} (lacks ${check.needs})`, run)
      else it(check.title, run)
    }
  })
}
