import * as E from 'fp-ts/lib/Either.js'
import { seededRuntime } from 'millrace/core'
import type { Node, Snapshot } from 'millrace/registry'
import type { Next, Outcome, Selector } from 'millrace/selector'
import { Subject, VirtualTimeScheduler } from 'rxjs'

/** A cluster under load, in virtual time. */
export interface ClusterOptions {
  /** Draws arrivals and service times, the same for every selector, and what the selector draws. */
  readonly seed: number
  /** How long calls arrive, s. */
  readonly seconds: number
  /**
   * Whether a node serves one call after the other, as one thread does. Else it takes any number at once, and what is
   * left is the choice of the node: a slow one is slow, but does not drown.
   */
  readonly queues: boolean
}

/** What callers saw. */
export interface ClusterResult {
  /** Time of each call from its arrival to its end, its retry among it, ms. */
  readonly latencies: readonly number[]
  /** Calls whose retry failed too. */
  readonly errors: number
  /** Calls and retries that went to each node, by its number. */
  readonly picks: readonly number[]
}

/** How many nodes there are. */
export const NODES = 10
/** Number of the node that takes 20 times as long. */
export const SLOW = 0
/** Number of the node that fails 30 % of its calls. */
export const FAILING = 1

const SLOWNESS = 20
const FAILURES = 0.3
const MEDIAN_MS = 10
/** Standard deviation of the logarithm of service times: one call in a hundred takes three times the median. */
const SIGMA = 0.5
const LOAD = 0.6

const MEAN_MS = MEDIAN_MS * Math.exp((SIGMA * SIGMA) / 2)
/** Calls that arrive in a millisecond: 60 % of what all nodes together can do. */
const PER_MS = (LOAD * (NODES - 1 + 1 / SLOWNESS)) / MEAN_MS

/**
 * Runs one client with `selector` against ten nodes. A call that fails is tried once more, at another node.
 */
export function runCluster(selector: Selector, { seed, seconds, queues }: ClusterOptions): ClusterResult {
  const scheduler = new VirtualTimeScheduler()
  const chance = seededRuntime({ scheduler, seed })
  const outcomes = new Subject<Outcome>()
  const snapshots = new Subject<Snapshot>()
  const servers = Array.from({ length: NODES }, (_, index) => new Server(index, scheduler, queues ? 1 : Infinity))
  const latencies: number[] = []
  let errors = 0
  let next: Next | undefined
  const watching = snapshots
    .pipe(selector({ runtime: seededRuntime({ scheduler, seed: seed + 1 }), outcomes$: outcomes }))
    .subscribe(each => (next = each))
  const service = {
    name: 'words',
    version: '1.0.0',
    metadata: {},
    endpoints: [],
    nodes: servers.map(({ node }) => node),
  }
  snapshots.next({ services: [service], asOf: 0, stale: false })

  const attempt = (draws: readonly Draw[], exclude: ReadonlySet<string>, ended: (ok: boolean) => void): void => {
    const [draw, ...later] = draws
    const picked = next?.({ exclude })
    if (draw === undefined || picked === undefined || E.isLeft(picked)) return ended(false)
    const node = picked.right
    const pickedAt = scheduler.now()
    servers[numberOf(node)]?.serve(draw, ok => {
      const latencyMs = scheduler.now() - pickedAt
      outcomes.next({ node, latencyMs, ...(ok ? { result: 'ok' } : { result: 'INTERNAL', reason: 'handler_failed' }) })
      if (ok || later.length === 0) ended(ok)
      else attempt(later, new Set([node.id]), ended)
    })
  }

  const arrive = (): void => {
    if (scheduler.now() >= seconds * 1000) return
    const arrivedAt = scheduler.now()
    attempt([drawn(chance), drawn(chance)], NONE, ok => {
      latencies.push(scheduler.now() - arrivedAt)
      if (!ok) errors++
    })
    scheduler.schedule(arrive, exponential(chance) / PER_MS)
  }
  arrive()
  scheduler.flush()
  watching.unsubscribe()
  return { latencies, errors, picks: servers.map(({ served }) => served) }
}

const NONE: ReadonlySet<string> = new Set()

/** What chance says of one try. */
interface Draw {
  readonly serviceMs: number
  /** From 0 to 1; a node fails that is worse. */
  readonly luck: number
}

interface Chance {
  random(): number
}

function drawn(chance: Chance): Draw {
  return { serviceMs: MEDIAN_MS * Math.exp(SIGMA * normal(chance)), luck: chance.random() }
}

function exponential(chance: Chance): number {
  return -Math.log(1 - chance.random())
}

/** Box and Muller. */
function normal(chance: Chance): number {
  return Math.sqrt(2 * exponential(chance)) * Math.cos(2 * Math.PI * chance.random())
}

function numberOf({ id }: Node): number {
  return Number(id.slice('node-'.length))
}

/** A call at a node. */
interface Job {
  readonly draw: Draw
  readonly ended: (ok: boolean) => void
}

/** A node. */
class Server {
  readonly node: Node
  served = 0
  private readonly slowness: number
  private readonly failures: number
  private readonly scheduler: VirtualTimeScheduler
  private free: number
  private readonly waiting: Job[] = []
  private started = 0

  constructor(index: number, scheduler: VirtualTimeScheduler, threads: number) {
    this.node = { id: `node-${index}`, address: `node-${index}.test:1`, metadata: {} }
    this.slowness = index === SLOW ? SLOWNESS : 1
    this.failures = index === FAILING ? FAILURES : 0
    this.scheduler = scheduler
    this.free = threads
  }

  serve(draw: Draw, ended: (ok: boolean) => void): void {
    this.served++
    this.waiting.push({ draw, ended })
    this.startNext()
  }

  /** The scheduler knows only of calls that are being served: its queue is no heap. */
  private startNext(): void {
    const job = this.free > 0 ? this.waiting[this.started] : undefined
    if (job === undefined) return
    this.started++
    this.free--
    this.scheduler.schedule(() => {
      this.free++
      job.ended(job.draw.luck >= this.failures)
      this.startNext()
    }, job.draw.serviceMs * this.slowness)
  }
}
