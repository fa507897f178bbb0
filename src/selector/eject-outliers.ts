import type { OperatorFunction } from 'rxjs'
import { integer, MAX_TIMER_MS, number, optional, resolveOptions, type Runtime } from '../core/index.js'
import type { Node, Snapshot } from '../registry/index.js'
import { hideNodes, type Hiding } from './hide-nodes.js'
import { isNodeFault } from './is-node-fault.js'
import { sameNode } from './same-node.js'
import type { Absence, Outcome, SelectorContext } from './selector.js'
import { outliersOf } from './outliers-of.js'

/** Options of {@link ejectOutliers}. */
export interface EjectOutliersOptions {
  /** Faults in a row after which a node is ejected at once. @default 5 */
  readonly faults?: number
  /** How long calls are counted before nodes are compared, ms. @default 10_000 */
  readonly intervalMs?: number
  /** How long a node of a large group is ejected, ms, times the number of its ejections. @default 30_000 */
  readonly ejectionMs?: number
  /** How long an ejection lasts at most, ms. @default 300_000 */
  readonly maxEjectionMs?: number
  /** How many nodes of a large group may be ejected at a time, percent, but always one. @default 10 */
  readonly maxEjectedPercent?: number
  /** A group of fewer nodes is a small one. @default 5 */
  readonly smallGroup?: number
  /** How long a node of a small group is ejected, ms, doubling with each ejection, with jitter. @default 5000 */
  readonly smallEjectionMs?: number
  /** A node of a small group that does worse is ejected, percent of its calls. @default 80 */
  readonly minSuccessPercent?: number
  /** When more nodes than this are unhealthy, health is ignored, percent. @default 50 */
  readonly panicPercent?: number
}

/** Calls within the last two intervals that a node of a small group is judged by, at least. */
const MIN_CALLS = 20

/**
 * Leaves out nodes that fail more than others, by what calls tell; a second opinion beside the registry's.
 *
 * 1. A large group goes by Envoy's rules. Five faults in a row eject a node at once; every interval those are ejected
 *    whose success rate is below the mean less 1.9 standard deviations (of five nodes with 100 calls, at least), or
 *    of whose calls 85 % are faults (of five nodes with 50). It lasts 30 s times the number of ejections, which an
 *    interval without one brings down by one. At most a tenth of the nodes, but always one, is ejected at a time.
 * 2. A group of fewer than five goes by Finagle's: five faults in a row, or less than 80 % success of 20 calls or more,
 *    for 5 s, doubling, of which a random part of up to one half is left off.
 * 3. When the time is over, a node gets one call on trial. `ok` brings it back, a fault ejects it anew, anything else is
 *    another trial. A strategy that does not tell its picks (see `FilteredSnapshot.picked`) may send it more than one.
 * 4. What callers do wrong, and cancelled calls, never count.
 * 5. When more than half of the nodes are ejected or on trial, something else is wrong, and all are used. The only node is
 *    never ejected.
 * 6. A snapshot that changes a node's address or metadata, or in which it is missing, clears it.
 *
 * It belongs behind the filters that say which nodes are meant, and before `filterZone`, that zones without healthy
 * nodes overflow.
 */
export function ejectOutliers(
  context: SelectorContext,
  options?: EjectOutliersOptions,
): OperatorFunction<Snapshot, Snapshot> {
  const time = integer({ min: 1, max: MAX_TIMER_MS })
  const percent = number({ min: 0, max: 100 })
  const resolved = resolveOptions<Required<EjectOutliersOptions>>(
    'ejectOutliers',
    {
      faults: optional(integer({ min: 1 }), 5),
      intervalMs: optional(time, 10_000),
      ejectionMs: optional(time, 30_000),
      maxEjectionMs: optional(time, 300_000),
      maxEjectedPercent: optional(percent, 10),
      smallGroup: optional(integer({ min: 0 }), 5),
      smallEjectionMs: optional(time, 5000),
      minSuccessPercent: optional(percent, 80),
      panicPercent: optional(percent, 50),
    },
    options,
  )
  return hideNodes(context, () => new Ejections(context.runtime, resolved))
}

/** `in`: healthy. `out`: ejected. `trial`: its next call is its trial. `tried`: that call runs. */
type State = 'in' | 'out' | 'trial' | 'tried'

/** What is known of a node's health. */
interface Health {
  node: Node
  state: State
  /** When a state that does not last ends: `out`, `tried`. */
  until: number
  /** Ejections that count. */
  ejections: number
  /** Faults that it was ejected for, with those of trials since. */
  failures: number
  faultsInRow: number
  /** Calls of this interval, and of the one before. */
  ok: number
  faults: number
  lastOk: number
  lastFaults: number
}

class Ejections implements Hiding {
  private readonly runtime: Runtime
  private readonly options: Required<EjectOutliersOptions>
  /** By node id; of nodes that calls have told something of. */
  private readonly healths: Map<string, Health>
  private nodes: ReadonlyMap<string, Node>
  private intervalEndsAt: number

  constructor(runtime: Runtime, options: Required<EjectOutliersOptions>) {
    this.runtime = runtime
    this.options = options
    this.healths = new Map()
    this.nodes = new Map()
    this.intervalEndsAt = this.now() + options.intervalMs
  }

  record(outcome: Outcome): boolean {
    const health = this.healthOf(outcome.node)
    if (health === undefined) return false
    const now = this.now()
    const compared = now >= this.intervalEndsAt && this.compare(now)
    return this.count(health, outcome) || compared
  }

  /** Forgets nodes that are gone, or are no longer what failed. */
  see(nodes: ReadonlyMap<string, Node>): void {
    this.nodes = nodes
    for (const [id, health] of this.healths) {
      const node = nodes.get(id)
      if (node === undefined || !sameNode(health.node, node)) this.healths.delete(id)
      else health.node = node
    }
  }

  hidden(): ReadonlyMap<string, string> {
    this.advance()
    const hidden = new Map<string, string>()
    let unhealthy = 0
    for (const [id, { state }] of this.healths) {
      if (state === 'in') continue
      unhealthy++
      if (state !== 'trial') hidden.set(id, 'ejected')
    }
    const panic = unhealthy * 100 > this.nodes.size * this.options.panicPercent
    return panic || hidden.size === this.nodes.size ? new Map() : hidden
  }

  absenceOf({ id }: Node): Absence | undefined {
    const health = this.healths.get(id)
    if (health === undefined || health.state === 'in') return undefined
    return { failures: health.failures, ...(health.state === 'out' && { untilMs: health.until }) }
  }

  nextChangeMs(): number | undefined {
    const now = this.now()
    let next = Infinity
    for (const { state, until } of this.healths.values()) {
      if (state === 'out' || state === 'tried') next = Math.min(next, until)
    }
    return next === Infinity ? undefined : Math.max(0, next - now)
  }

  onPick(): ((node: Node) => boolean) | undefined {
    for (const { state } of this.healths.values()) if (state === 'trial') return node => this.try(node)
    return undefined
  }

  private try({ id }: Node): boolean {
    const health = this.healths.get(id)
    if (health?.state !== 'trial') return false
    health.state = 'tried'
    health.until = this.now() + this.options.ejectionMs // nobody may ever tell how it ends
    return true
  }

  private count(health: Health, outcome: Outcome): boolean {
    const { state } = health
    const onTrial = state === 'trial' || state === 'tried'
    if (outcome.result === 'ok') {
      health.faultsInRow = 0
      health.ok++
      if (onTrial) this.heal(health)
      return onTrial
    }
    if (!isNodeFault(outcome)) {
      if (state === 'tried') health.state = 'trial'
      return state === 'tried'
    }
    health.faultsInRow++
    health.faults++
    if (onTrial) this.eject(health)
    else if (state === 'out' || !this.isBad(health) || !this.mayEject()) return false
    else this.eject(health)
    return true
  }

  /** By what is known of the node alone. */
  private isBad({ faultsInRow, ok, faults, lastOk, lastFaults }: Health): boolean {
    if (faultsInRow >= this.options.faults) return true
    if (!this.isSmall()) return false
    const calls = ok + faults + lastOk + lastFaults
    return calls >= MIN_CALLS && (ok + lastOk) * 100 < calls * this.options.minSuccessPercent
  }

  /** The end of an interval: ejects nodes that are bad beside others, and counts anew. */
  private compare(now: number): boolean {
    const { intervalMs } = this.options
    const passed = 1 + Math.floor((now - this.intervalEndsAt) / intervalMs)
    this.intervalEndsAt += passed * intervalMs
    let changed = false
    const healthy = [...this.healths.values()].filter(({ state }) => state === 'in')
    for (const health of healthy) health.ejections = Math.max(0, health.ejections - passed)
    for (const health of this.isSmall() ? [] : outliersOf(healthy)) {
      if (!this.mayEject()) break
      this.eject(health)
      changed = true
    }
    for (const health of this.healths.values()) {
      health.lastOk = passed === 1 ? health.ok : 0
      health.lastFaults = passed === 1 ? health.faults : 0
      health.ok = 0
      health.faults = 0
    }
    return changed
  }

  /** Whether one more may go. A small group has no limit but panic. */
  private mayEject(): boolean {
    const { size } = this.nodes
    if (size <= 1) return false
    if (this.isSmall()) return true
    let out = 0
    for (const { state } of this.healths.values()) if (state !== 'in') out++
    return out < Math.max(1, Math.floor((size * this.options.maxEjectedPercent) / 100))
  }

  private heal(health: Health): void {
    health.state = 'in'
    health.failures = 0
  }

  private eject(health: Health): void {
    health.ejections++
    const { faultsInRow, faults, lastFaults } = health
    health.failures += health.state === 'in' ? Math.max(faultsInRow, faults + lastFaults) : 1
    health.state = 'out'
    health.until = this.now() + this.ejectionMs(health.ejections)
    health.faultsInRow = 0
    health.ok = 0
    health.faults = 0
    health.lastOk = 0
    health.lastFaults = 0
  }

  private ejectionMs(ejections: number): number {
    const { ejectionMs, maxEjectionMs, smallEjectionMs } = this.options
    if (!this.isSmall()) return Math.min(maxEjectionMs, ejectionMs * ejections)
    const longest = Math.min(maxEjectionMs, smallEjectionMs * (1 << Math.min(ejections - 1, MAX_DOUBLINGS)))
    return longest - Math.floor((longest / 2) * this.runtime.random())
  }

  /** Ejections whose time is over are on trial. */
  private advance(): void {
    const now = this.now()
    for (const health of this.healths.values()) {
      if ((health.state === 'out' || health.state === 'tried') && health.until <= now) health.state = 'trial'
    }
  }

  private isSmall(): boolean {
    return this.nodes.size < this.options.smallGroup
  }

  /** Of a node that is listed, and is still what the call went to. */
  private healthOf(node: Node): Health | undefined {
    const known = this.healths.get(node.id)
    if (known !== undefined) return sameNode(known.node, node) ? known : undefined
    const listed = this.nodes.get(node.id)
    if (listed === undefined || !sameNode(listed, node)) return undefined
    const health: Health = {
      node: listed,
      state: 'in',
      until: 0,
      ejections: 0,
      failures: 0,
      faultsInRow: 0,
      ok: 0,
      faults: 0,
      lastOk: 0,
      lastFaults: 0,
    }
    this.healths.set(node.id, health)
    return health
  }

  private now(): number {
    return this.runtime.scheduler.now()
  }
}

/** As far as one shifts. */
const MAX_DOUBLINGS = 30
