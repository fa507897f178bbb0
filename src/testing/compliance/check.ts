/** What every setup of a check may say. */
export interface CheckSetup {
  /**
   * Longest wait for anything that must happen, in ms. The default is below the 5 s after which vitest and jest end a
   * test, so that the check itself can say what it waited for. @default 4000
   */
  readonly patienceMs?: number
  /** Ends what was made for the check; called once, whatever came of it. @default nothing */
  readonly close?: () => void | Promise<void>
}

/** One fact about every implementation of a seam. */
export interface Check<Setup extends CheckSetup, Capability extends string = never> {
  /** The fact, in present tense. */
  readonly title: string
  /** What an implementation must be capable of for the fact to be expected of it; absent when it is expected of all. */
  readonly needs?: Capability
  /** Tries the fact on a fresh setup. Rejects when it is not so; prefer {@link runCheck}, which also closes the setup. */
  readonly run: (setup: Setup) => Promise<void>
}

/** Wait of a check whose setup says nothing about it, ms. */
export const PATIENCE_MS = 4000

/** Runs one check and closes its setup, whatever came of it. */
export async function runCheck<Setup extends CheckSetup>(check: Check<Setup, string>, setup: Setup): Promise<void> {
  try {
    await check.run(setup)
  } finally {
    await setup.close?.()
  }
}
