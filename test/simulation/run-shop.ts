import { RpcError } from 'millrace/core'
import { simulate, type FaultKind, type SimulationResult } from 'millrace/testing'
import { countCalls, noCalls, type CallCounts } from './call-counts.js'
import { SHOP_OPTIONS } from './shop-options.js'
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

const LAST_LINES = 40

/** Runs the shop for a virtual minute. */
export async function runShop(seed: number): Promise<ShopRun> {
  const calls = { ...noCalls }
  try {
    const { virtualMs, events, faults, log, hash } = await simulate({ ...SHOP_OPTIONS, seed }, world => {
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
