import { ignoreElements, merge, tap } from 'rxjs'
import type { Fault, Invariant, ObservedCall, ObservedWorld, ProcessStep } from 'millrace/testing'
import type { Bar, Moment, Span, TimelineDiagram, TimelineLane } from '../../scripts/diagrams/timeline-diagram.mjs'

/** Whoever draws specs, see `record-diagrams.ts`. */
const OBSERVER = Symbol.for('millrace.executed-spec.1')

/** A diagram of a run. */
export interface ExecutedRun {
  /** What it is drawn of. */
  readonly timeline: TimelineDiagram
}

/** No invariant: it watches a run, and tells whoever draws specs what it was, if it ends as it should. */
export const drawnRun: Invariant = {
  name: 'the run is drawn',
  violations: world => {
    const lives: (ProcessStep & { readonly at: number })[] = []
    const calls = new Set<ObservedCall>()
    const views: View[] = []
    const told = (): void => {
      const observe = (globalThis as { [OBSERVER]?: (run: ExecutedRun) => void })[OBSERVER]
      observe?.({ timeline: { durationMs: world.now(), lanes: lanesOf(world, { lives, calls: [...calls], views }) } })
    }
    return merge(
      world.processes$.pipe(tap(step => lives.push({ ...step, at: world.now() }))),
      world.calls$.pipe(tap(({ call }) => calls.add(call))),
      world.registry$.pipe(
        tap(({ process, snapshot }) => {
          if (snapshot === undefined) return
          const nodes = snapshot.services.flatMap(service => service.nodes).length
          views.push({ process, at: world.now(), nodes, isStale: snapshot.stale })
        }),
      ),
      world.end$.pipe(tap(told)),
    ).pipe(ignoreElements())
  },
}

/** What a process was shown of the registry. */
interface View {
  readonly process: string
  readonly at: number
  readonly nodes: number
  readonly isStale: boolean
}

interface Seen {
  readonly lives: readonly (ProcessStep & { readonly at: number })[]
  readonly calls: readonly ObservedCall[]
  readonly views: readonly View[]
}

function lanesOf(world: ObservedWorld, { lives, calls, views }: Seen): readonly TimelineLane[] {
  const processes = [...new Set(lives.map(({ process }) => process))].map(name => ({
    name,
    spans: [
      ...spansOf(
        lives.filter(({ process }) => process === name),
        world.now(),
      ),
      ...world.faults.filter(({ kind, targets }) => kind === 'slow' && targets.includes(name)).map(faultSpan),
    ],
    moments: momentsOf(views.filter(({ process }) => process === name)),
    bars: calls.filter(({ process }) => process === name).map(barOf),
  }))
  return [...faultLanes(world.faults), ...processes]
}

const STATES: Readonly<Record<ProcessStep['step'], Pick<Span, 'mood' | 'label'> | undefined>> = {
  started: { mood: 'good', label: 'up' },
  stopping: { mood: 'worse', label: 'stopping' },
  crashed: { mood: 'bad', label: 'crashed' },
  vanished: { mood: 'bad', label: 'vanished' },
  ended: undefined,
}

/** Each step of a process lasts until the next one. */
function spansOf(steps: Seen['lives'], end: number): readonly Span[] {
  return steps.flatMap(({ step, at }, index) => {
    const state = STATES[step]
    return state === undefined ? [] : [{ ...state, from: at, to: steps[index + 1]?.at ?? end }]
  })
}

/** The number of nodes that a process knows, whenever it changes. */
function momentsOf(views: readonly View[]): readonly Moment[] {
  return views
    .filter(({ nodes, isStale }, index) => nodes !== views[index - 1]?.nodes || isStale !== views[index - 1]?.isStale)
    .map(({ at, nodes, isStale }) => ({ at, label: String(nodes), mood: isStale ? 'bad' : 'quiet' }))
}

function barOf({ route, startedAt, endedAt, end }: ObservedCall): Bar {
  const outcome = end === undefined || end === 'completed' ? 'completed' : end === 'cancelled' ? 'cancelled' : 'failed'
  return { from: startedAt, to: endedAt, label: `${route.contract}.${route.endpoint}`, end: outcome }
}

/** A lane for each link that is not as it should be, and for the registry and the broker. */
function faultLanes(faults: readonly Fault[]): readonly TimelineLane[] {
  const named = faults.flatMap(fault => {
    const name = laneOf(fault)
    return name === undefined ? [] : [{ name, fault }]
  })
  return [...new Set(named.map(({ name }) => name))].map(name => {
    const own = named.filter(each => each.name === name).map(({ fault }) => fault)
    return {
      name,
      spans: own.filter(({ kind }) => kind !== 'reset').map(faultSpan),
      moments: own.filter(({ kind }) => kind === 'reset').map(({ at }) => ({ at, mood: 'bad', label: 'r' })),
      bars: [],
    }
  })
}

function laneOf({ kind, targets }: Fault): string | undefined {
  if (kind === 'partition' || kind === 'reset' || kind === 'slowLink') return targets.join(' ↔ ')
  if (kind.startsWith('registry')) return 'registry'
  if (kind === 'brokerOutage') return 'broker'
  return undefined
}

const FAULT_LABELS: { readonly [kind: string]: string } = {
  partition: 'nothing passes',
  registryWipe: 'down, and wiped',
  registryCompaction: 'forgets changes',
}

function faultSpan({ kind, at, ms }: Fault): Span {
  const isSlow = kind === 'slow' || kind === 'slowLink'
  const label = isSlow ? 'slow' : (FAULT_LABELS[kind] ?? 'down')
  return { from: at, to: at + ms, mood: isSlow ? 'worse' : 'bad', label }
}
