import type { SimulateOptions } from 'millrace/testing'

/** How long mutants live, and what goes wrong meanwhile: enough of everything that the seeds of `npm run sim` have. */
export const RUN_OPTIONS: Omit<SimulateOptions, 'seed'> = {
  duration: 60_000,
  faults: { partition: 0.03, reset: 0.03, slowLink: 0.01, crash: 0.02, vanish: 0.01, restart: 0.03, slow: 0.01 },
}
