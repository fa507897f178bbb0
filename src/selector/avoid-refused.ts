import type { OperatorFunction } from 'rxjs'
import { integer, MAX_TIMER_MS, optional, resolveOptions } from '../core/index.js'
import type { Node, Snapshot } from '../registry/index.js'
import { hideNodes, type Hiding } from './hide-nodes.js'
import { sameNode } from './same-node.js'
import type { Absence, Outcome, SelectorContext } from './selector.js'

/** As far as one shifts. */
const MAX_DOUBLINGS = 30

/** Options of {@link avoidRefused}. */
export interface AvoidRefusedOptions {
  /** How long a node is left out after a refusal, ms; it doubles with each further one. @default 1000 */
  readonly coolDownMs?: number
  /** What the time grows to at most, ms. @default 30_000 */
  readonly maxCoolDownMs?: number
}

/**
 * Leaves out nodes that have just refused a connection (an outcome with reason `connect_failed` or `tls_failed`), or a
 * call because they shut down (`draining`).
 *
 * 1. A node comes back when its cool-down is over, when a call to it ends `ok`, or with a snapshot that changes its
 *    address or metadata.
 * 2. The cool-down doubles when a node refuses again after it; refusals during it, of calls that were already on
 *    their way, only renew it. `ok`, a change and being gone from a snapshot reset it.
 * 3. It never takes the last node: when all have refused, the one whose refusal is the longest ago stays.
 *    So it belongs behind the filters, right before the strategy.
 *
 * It emits whenever that picture changes, in the turn of the outcome; it completes when both the snapshots and the
 * outcomes have.
 */
export function avoidRefused(
  context: SelectorContext,
  options?: AvoidRefusedOptions,
): OperatorFunction<Snapshot, Snapshot> {
  const resolved = resolveOptions<Required<AvoidRefusedOptions>>(
    'avoidRefused',
    {
      coolDownMs: optional(integer({ min: 1, max: MAX_TIMER_MS }), 1000),
      maxCoolDownMs: optional(integer({ min: 1, max: MAX_TIMER_MS }), 30_000),
    },
    options,
  )
  return hideNodes(context, now => new Refusals(now, resolved))
}

const DRAINING = 'draining'

/** What says that a node takes no calls now, and what a node that does not is called. */
const REFUSALS: ReadonlyMap<string | undefined, string> = new Map([
  ['connect_failed', 'refused a connection'],
  ['tls_failed', 'refused a connection'],
  ['draining', DRAINING],
])

interface Refusal {
  readonly node: Node
  /** What it is called. */
  readonly why: string
  /** How many cool-downs it has been through in a row, this one included. */
  readonly count: number
  /** When the cool-down ends, on the scheduler's clock. */
  readonly endsAt: number
}

/** Who refused, and until when that counts. */
class Refusals implements Hiding {
  /** By node id, the longest ago first. */
  private readonly refusals: Map<string, Refusal>
  private readonly now: () => number
  private readonly options: Required<AvoidRefusedOptions>
  private nodes: ReadonlyMap<string, Node>

  constructor(now: () => number, options: Required<AvoidRefusedOptions>) {
    this.refusals = new Map()
    this.now = now
    this.options = options
    this.nodes = new Map()
  }

  record({ node, result, reason }: Outcome): boolean {
    if (result === 'ok') return this.refusals.delete(node.id)
    const why = REFUSALS.get(reason)
    if (why === undefined) return false
    const now = this.now()
    const last = this.refusals.get(node.id)
    const count = last === undefined ? 1 : now < last.endsAt ? last.count : last.count + 1
    const { coolDownMs, maxCoolDownMs } = this.options
    this.refusals.delete(node.id) // to the end of the map
    this.refusals.set(node.id, {
      node,
      why,
      count,
      endsAt: now + Math.min(maxCoolDownMs, coolDownMs * (1 << Math.min(count - 1, MAX_DOUBLINGS))),
    })
    return true
  }

  /** Forgets nodes that are gone, or are no longer what refused. */
  see(nodes: ReadonlyMap<string, Node>): void {
    this.nodes = nodes
    for (const [id, { node }] of this.refusals) {
      if (!sameNode(node, nodes.get(id))) this.refusals.delete(id)
    }
  }

  /** All that cool down, but never the last node. */
  hidden(): ReadonlyMap<string, string> {
    const now = this.now()
    const hidden = new Map<string, string>()
    for (const [id, { node, why, endsAt }] of this.refusals) {
      if (now < endsAt && sameNode(node, this.nodes.get(id))) hidden.set(id, why)
    }
    if (hidden.size === this.nodes.size) {
      for (const longestAgo of hidden.keys()) {
        hidden.delete(longestAgo)
        break
      }
    }
    return hidden
  }

  absenceOf({ id }: Node): Absence | undefined {
    const refusal = this.refusals.get(id)
    if (refusal === undefined || refusal.why === DRAINING) return undefined // it will not be back, only asked again
    return { failures: refusal.count, untilMs: refusal.endsAt }
  }

  /** When the next cool-down ends. */
  nextChangeMs(): number | undefined {
    const now = this.now()
    let next = Infinity
    for (const { endsAt } of this.refusals.values()) if (endsAt > now) next = Math.min(next, endsAt)
    return next === Infinity ? undefined : next - now
  }
}
