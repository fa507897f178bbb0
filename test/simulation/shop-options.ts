import type { SimulateOptions } from 'millrace/testing'

/** How `npm run sim` runs the shop: for a virtual minute, the last quarter of which is quiet. */
export const SHOP_OPTIONS: Omit<SimulateOptions, 'seed'> = {
  duration: 60_000,
  // At least one crash, one partition and one reset in every run, and of each kind some in most runs.
  faults: {
    partition: 0.04,
    reset: 0.04,
    slowLink: 0.02,
    crash: 0.03,
    vanish: 0.015,
    restart: 0.03,
    slow: 0.02,
    skew: 0.02,
    registryOutage: 0.02,
    registryWipe: 0.015,
    registryCompaction: 0.015,
    brokerOutage: 0.02,
  },
}
