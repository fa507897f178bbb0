import { integer, number, optional, resolveOptions, MAX_TIMER_MS } from '../core/index.js'
import { draws } from './draws.js'
import { isNodeFault } from './is-node-fault.js'
import { loadStrategy } from './load-strategy.js'
import type { NodeLoad } from './node-load.js'
import type { Outcome, Selector } from './selector.js'

/** Options of {@link p2c}. */
export interface P2cOptions {
  /** Time in which what was learned of a node's latency loses its weight, to 1/e, ms. @default 10_000 */
  readonly decayMs?: number
  /**
   * What a fault of the node, or its refusal, costs at least, ms. Without it a node that fails fast would look like the
   * best.
   * @default 1000
   */
  readonly faultMs?: number
}

/** Costs less than a microsecond are one: 0 means that nothing is known. */
const LEAST_COST_MS = 0.001

/**
 * Draws two nodes and picks the one with the lower cost × (running calls + 1): power of two choices, with Finagle's
 * peak EWMA as the cost. Two draws instead of a search for the best: a pick costs the same for 10 nodes and for 1000,
 * and clients that know the same do not all go to the same node.
 *
 * 1. The cost is an exponentially weighted moving average of latency that jumps to each larger sample at once. It
 *    fades by the time that has passed, so a node that was slow is asked again sooner or later.
 * 2. Only calls that end `ok` bring it down. One that is cancelled, or fails by the caller's fault, has taken at least
 *    its time; a fault of the node, and a refusal because it is busy, count as `faultMs` at least.
 * 3. A node that nothing is known of gets the next call that is drawn for it, and no second one before that has ended.
 * 4. The latency of a stream of replies is the time to its first message, that of one without a message, or with a stream
 *    of requests, is not looked at. Each counts as running until it ends.
 */
export function p2c(options?: P2cOptions): Selector {
  const { decayMs, faultMs } = resolveOptions<Required<P2cOptions>>(
    'p2c',
    {
      decayMs: optional(integer({ min: 1, max: MAX_TIMER_MS }), 10_000),
      faultMs: optional(number({ min: 0 }), 1000),
    },
    options,
  )
  return loadStrategy(runtime => {
    const draw = draws(runtime)
    return {
      choose(loads) {
        const { length } = loads
        if (length === 1) return 0
        const first = draw(length)
        const other = draw(length - 1)
        const second = other < first ? other : other + 1
        return isCheaper(loads[second] as NodeLoad, loads[first] as NodeLoad, decayMs) ? second : first
      },
      learn(load, outcome) {
        learnCost(load, outcome, runtime.scheduler.now(), { decayMs, faultMs })
      },
    }
  })
}

/**
 * Both costs fade alike, so what counts is which was learned later: comparing needs no clock. A pick reads nothing but
 * what outcomes have left behind.
 */
function isCheaper(first: NodeLoad, second: NodeLoad, decayMs: number): boolean {
  if (first.costMs === 0 || second.costMs === 0) return isFresher(first, second)
  const faded = first.costAt === second.costAt ? 1 : Math.exp((first.costAt - second.costAt) / decayMs)
  return first.costMs * faded * (first.pending + 1) < second.costMs * (second.pending + 1)
}

/** At least one of them is unknown: it is better than any when it is idle, and else worse than any that is known. */
function isFresher(first: NodeLoad, second: NodeLoad): boolean {
  if (first.costMs !== 0) return second.pending > 0
  if (second.costMs !== 0) return first.pending === 0
  return first.pending < second.pending
}

function learnCost(load: NodeLoad, outcome: Outcome, now: number, options: Required<P2cOptions>): void {
  const { latencyMs, result } = outcome
  const failed = result === 'RESOURCE_EXHAUSTED' || isNodeFault(outcome)
  if (latencyMs === undefined && !failed) return
  const sample = Math.max(LEAST_COST_MS, latencyMs ?? 0, failed ? options.faultMs : 0)
  const weight = load.costMs === 0 ? 0 : Math.exp((load.costAt - now) / options.decayMs)
  const faded = load.costMs * weight
  if (sample >= faded) load.costMs = sample
  else if (result === 'ok') load.costMs = faded + sample * (1 - weight)
  else return
  load.costAt = now
}
