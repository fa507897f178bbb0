import { RpcError } from 'millrace/core'
import { simulate, type FaultKind, type FaultRates, type SimulationResult } from 'millrace/testing'
import { countCalls, noCalls, type CallCounts } from './call-counts.js'
import { shop } from './shop/shop.js'
import { withoutLongHex } from './without-long-hex.js'

/** What one seed led to. */
export interface ShopRun extends Pick<SimulationResult, 'seed' | 'virtualMs' | 'events'> {
  /** Calls by kind. */
  readonly calls: CallCounts
  /** What went wrong by plan, in the order in which it did. */
  readonly faults: readonly FaultKind[]
  /** The hash of the run, or what was violated in it. */
  readonly outcome: { readonly hash: string } | { readonly violated: string }
  /** The last events. */
  readonly lastLines: readonly string[]
}

/** A virtual minute, the last quarter of which is quiet. */
const DURATION_MS = 60_000
/** At least one crash, one partition and one reset in every run, and of each kind some in most runs. */
const FAULTS: FaultRates = {
  partition: 0.04,
  reset: 0.04,
  slowLink: 0.02,
  crash: 0.03,
  vanish: 0.015,
  restart: 0.03,
  slow: 0.02,
  skew: 0.02,
  registryOutage: 0.02,
  brokerOutage: 0.02,
}
const LAST_LINES = 40

/** Runs the shop for a virtual minute. */
export async function runShop(seed: number): Promise<ShopRun> {
  const calls = { ...noCalls }
  const options = { seed, duration: DURATION_MS, faults: FAULTS }
  try {
    const { virtualMs, events, faults, log, hash } = await simulate(options, world => {
      world.invariant(countCalls(calls))
      shop(world)
    })
    const kinds = faults.map(({ kind }) => kind)
    return {
      seed,
      virtualMs,
      events,
      calls,
      faults: kinds,
      outcome: { hash },
      lastLines: log.slice(-LAST_LINES).map(withoutLongHex),
    }
  } catch (error) {
    const violated = withoutLongHex(RpcError.from(error).message)
    return { seed, virtualMs: 0, events: 0, calls, faults: [], outcome: { violated }, lastLines: [] }
  }
}
