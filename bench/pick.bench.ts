import * as E from 'fp-ts/lib/Either.js'
import { systemRuntime } from 'millrace/core'
import type { Node, Snapshot } from 'millrace/registry'
import {
  leastPending,
  type Next,
  type Outcome,
  p2c,
  type Pick,
  random,
  rendezvousHash,
  roundRobin,
  type Selector,
  weighted,
} from 'millrace/selector'
import { Subject } from 'rxjs'
import { median } from './moments.js'
import { now } from './monotonic-clock.js'

/**
 * Question: what does one pick cost, in time and in memory, with 10, 100 and 1000 nodes?
 *
 * Each strategy has learned of every node before. Rounds are short, and of each the one counts that a tenth of its rounds
 * beat. The bar: p2c picks one of 1000 nodes in less than a microsecond, and allocates nothing.
 */
const NODES = [10, 100, 1000] as const
const PICKS = 20_000
const ROUNDS = 100
const MAX_NS = 1000

/** Less than the smallest object: what the measurement itself leaves behind. */
const MAX_BYTES = 4

const strategies: Readonly<Record<string, Selector>> = {
  random,
  roundRobin,
  weighted: weighted(),
  p2c: p2c(),
  leastPending,
  rendezvousHash,
}

interface Row {
  readonly strategy: string
  readonly nodes: number
  readonly nsPerPick: number
  readonly bytesPerPick: number
}

/** Runs the bench. */
export async function pick(asJson: boolean): Promise<boolean> {
  const rows = Object.entries(strategies).flatMap(([strategy, selector]) =>
    NODES.map((nodes): Row => ({ strategy, nodes, ...measured(selector, nodes) })),
  )
  if (asJson) console.log(JSON.stringify(rows))
  else console.table(rows)
  return rows.every(
    ({ strategy, nodes, nsPerPick, bytesPerPick }) =>
      strategy !== 'p2c' || nodes !== 1000 || (nsPerPick < MAX_NS && bytesPerPick < MAX_BYTES),
  )
}

function measured(selector: Selector, count: number): Figures {
  const { next, outcomes, nodes } = started(selector, count)
  const picks: readonly Pick[] = Array.from({ length: 64 }, (_, index) => ({ key: `key ${index}` }))
  const times: number[] = []
  const bytes: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const heapBefore = process.memoryUsage().heapUsed
    const startedAt = now()
    let found = 0
    for (let index = 0; index < PICKS; index++) {
      if (E.isRight(next(picks[index & 63] ?? {}))) found++
    }
    const tookMs = now() - startedAt
    bytes.push((process.memoryUsage().heapUsed - heapBefore) / PICKS)
    times.push((tookMs * 1e6) / PICKS)
    if (found !== PICKS) throw new Error(`${PICKS - found} picks found no node`)
    // What was picked ends, so that counts of running calls stay as they are in practice.
    for (let index = 0; index < PICKS; index++) outcomes.next(okAt(nodes[index % count]))
  }
  return { nsPerPick: Math.round(undisturbed(times)), bytesPerPick: Math.max(0, Math.round(median(bytes))) }
}

type Figures = Omit<Row, 'strategy' | 'nodes'>

/** A strategy that knows something of all its nodes. */
function started(
  selector: Selector,
  count: number,
): { next: Next; outcomes: Subject<Outcome>; nodes: readonly Node[] } {
  const nodes = Array.from({ length: count }, (_, index): Node => {
    const id = `node-${String(index).padStart(4, '0')}`
    return { id, address: `${id}.test:1`, metadata: { weight: String(1 + (index % 3)) } }
  })
  const outcomes = new Subject<Outcome>()
  const snapshots = new Subject<Snapshot>()
  const nexts: Next[] = []
  snapshots.pipe(selector({ runtime: systemRuntime(), outcomes$: outcomes })).subscribe(each => nexts.push(each))
  const service = { name: 'words', version: '1.0.0', metadata: {}, endpoints: [], nodes }
  snapshots.next({ services: [service], asOf: 0, stale: false })
  for (const node of nodes) outcomes.next(okAt(node))
  const [next] = nexts
  if (next === undefined) throw new Error('the strategy did not answer')
  return { next, outcomes, nodes }
}

function okAt(node: Node | undefined): Outcome {
  if (node === undefined) throw new Error('no such node')
  return { node, result: 'ok', latencyMs: 5 + (node.id.charCodeAt(8) % 10) }
}

/** What a tenth of the values are below. */
function undisturbed(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 10)] ?? 0
}
