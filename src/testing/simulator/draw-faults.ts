import type { Runtime } from '../../core/index.js'
import type { Fault, FaultKind } from './fault.js'
import { faultKinds, faultLetters } from './fault.js'

/** How many faults of each kind begin per virtual second in the whole cluster, on average. */
export type FaultRates = { readonly [K in FaultKind]?: number }

/** What faults are drawn for. */
export interface FaultGround {
  /** The processes. */
  readonly processes: readonly string[]
  /** Pairs that have links. */
  readonly links: readonly (readonly [string, string])[]
  /** Until when all of them are over, ms. */
  readonly untilMs: number
  /** Chance. */
  readonly runtime: Pick<Runtime, 'random'>
}

const SHORTEST_MS = 100
/** The longest is e⁵ times the shortest, and every factor between is as likely. */
const LONGEST_EXPONENT = 5
const LARGEST_SKEW_MS = 60_000

/** Draws faults, ordered by time. */
export function drawFaults(rates: FaultRates, ground: FaultGround): readonly Fault[] {
  const { untilMs, runtime } = ground
  const faults: Fault[] = []
  for (const kind of faultKinds) {
    const expected = ((rates[kind] ?? 0) * untilMs) / 1000
    const count = Math.floor(expected) + (runtime.random() < expected % 1 ? 1 : 0)
    for (let index = 0; index < count; index++) {
      const at = Math.floor(runtime.random() * untilMs)
      const length = Math.floor(SHORTEST_MS * Math.exp(runtime.random() * LONGEST_EXPONENT))
      const targets = targetsOf(kind, ground)
      if (targets === undefined) continue
      if (kind === 'skew') faults.push({ kind, targets, at: 0, ms: Math.floor(runtime.random() * LARGEST_SKEW_MS) })
      else faults.push({ kind, targets, at, ms: kind === 'reset' ? 0 : Math.min(length, untilMs - at) })
    }
  }
  return faults.toSorted((a, b) => a.at - b.at)
}

function targetsOf(kind: FaultKind, { processes, links, runtime }: FaultGround): readonly string[] | undefined {
  const lane = kind === 'skew' ? 'process' : faultLetters[kind].lane
  // Half of them cut one process off from everybody, which is what partitions of machines look like.
  if (lane === 'link' && runtime.random() < 0.5) return pick(links, runtime)
  if (lane === 'registry' || lane === 'broker') return []
  const process = pick(processes, runtime)
  if (process === undefined) return undefined
  return lane === 'link' ? [process, '*'] : [process]
}

function pick<T>(from: readonly T[], runtime: FaultGround['runtime']): T | undefined {
  return from[Math.floor(runtime.random() * from.length)]
}
