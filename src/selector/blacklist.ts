import type { OperatorFunction } from 'rxjs'
import { integer, MAX_TIMER_MS, optional, resolveOptions } from '../core/index.js'
import type { Node, Snapshot } from '../registry/index.js'
import { hideNodes, type Hiding } from './hide-nodes.js'
import { isNodeFault } from './is-node-fault.js'
import type { Absence, Outcome, SelectorContext } from './selector.js'

/** Options of {@link blacklist}. */
export interface BlacklistOptions {
  /** Faults in a row after which a node is left out. @default 3 */
  readonly faults?: number
  /** How long after its last fault a node stays left out, and its faults count, ms. @default 30_000 */
  readonly forgetMs?: number
}

/**
 * Leaves out nodes that have failed a few times in a row: the rule of go-micro's `blacklist` selector.
 *
 * 1. Each fault of a node counts, and one call that ends `ok` forgets them all. What callers do wrong never counts.
 * 2. Faults, and with them the blacklisting, are forgotten `forgetMs` after the last one. There is no probe: the node is
 *    back for everyone.
 * 3. When it would leave no node, it leaves all. (go-micro's fails the call.)
 *
 * `ejectOutliers` does better; this one is for who wants to keep what go-micro did.
 */
export function blacklist(context: SelectorContext, options?: BlacklistOptions): OperatorFunction<Snapshot, Snapshot> {
  const resolved = resolveOptions<Required<BlacklistOptions>>(
    'blacklist',
    {
      faults: optional(integer({ min: 1 }), 3),
      forgetMs: optional(integer({ min: 1, max: MAX_TIMER_MS }), 30_000),
    },
    options,
  )
  return hideNodes(context, now => new Blacklist(now, resolved))
}

interface Entry {
  readonly count: number
  readonly endsAt: number
}

class Blacklist implements Hiding {
  /** By node id, the one that ends first in front. */
  private readonly entries: Map<string, Entry>
  private readonly now: () => number
  private readonly options: Required<BlacklistOptions>
  private nodes: ReadonlyMap<string, Node>

  constructor(now: () => number, options: Required<BlacklistOptions>) {
    this.entries = new Map()
    this.now = now
    this.options = options
    this.nodes = new Map()
  }

  record(outcome: Outcome): boolean {
    const { id } = outcome.node
    const { faults, forgetMs } = this.options
    if (outcome.result === 'ok') {
      const listed = (this.entries.get(id)?.count ?? 0) >= faults
      this.entries.delete(id)
      return listed
    }
    if (!isNodeFault(outcome)) return false
    const now = this.now()
    const last = this.entries.get(id)
    const count = last === undefined || last.endsAt <= now ? 1 : last.count + 1
    this.entries.delete(id) // to the end of the map
    this.entries.set(id, { count, endsAt: now + forgetMs })
    return count >= faults
  }

  see(nodes: ReadonlyMap<string, Node>): void {
    this.nodes = nodes
    for (const id of this.entries.keys()) if (!nodes.has(id)) this.entries.delete(id)
  }

  hidden(): ReadonlyMap<string, string> {
    const now = this.now()
    const hidden = new Map<string, string>()
    for (const [id, { count, endsAt }] of this.entries) {
      if (count >= this.options.faults && now < endsAt && this.nodes.has(id)) hidden.set(id, 'blacklisted')
    }
    return hidden.size === this.nodes.size ? new Map() : hidden
  }

  absenceOf({ id }: Node): Absence | undefined {
    const entry = this.entries.get(id)
    return entry && { failures: entry.count, untilMs: entry.endsAt }
  }

  nextChangeMs(): number | undefined {
    const now = this.now()
    for (const { count, endsAt } of this.entries.values()) {
      if (count >= this.options.faults && endsAt > now) return endsAt - now
    }
    return undefined
  }
}
