import { simulate, type ObservedCall, type ProcessStep, type SimulationResult, type World } from 'millrace/testing'
import { Observable } from 'rxjs'
import { wordCounters } from './word-counters.js'

/** A run and what was seen in it. */
export interface RecordedRun extends SimulationResult {
  /** Calls, in the order in which they were made. */
  readonly observed: readonly ObservedCall[]
  /** Starts and ends of processes: `3000 words-1 crashed`. */
  readonly steps: readonly string[]
}

/** Runs the word counters for a time, with what `faults` draws. */
export async function recordedRun(duration: number, faults: (world: World) => void): Promise<RecordedRun> {
  const observed: ObservedCall[] = []
  const steps: string[] = []
  const result = await simulate({ seed: 1, duration }, world => {
    wordCounters(world)
    world.invariant({
      name: 'it is recorded',
      violations: ({ calls$, processes$, now }) =>
        new Observable(subscriber => {
          const told = ({ process, step }: ProcessStep): void => void steps.push(`${now()} ${process} ${step}`)
          subscriber.add(processes$.subscribe(told))
          subscriber.add(
            calls$.subscribe(({ call, run, step }) => {
              if (run === undefined && step === 'started') observed.push(call)
            }),
          )
        }),
    })
    faults(world)
  })
  return { ...result, observed, steps }
}

/** The calls made between two times, ms. */
export function callsMade({ observed }: RecordedRun, from: number, to: number): readonly ObservedCall[] {
  return observed.filter(({ startedAt }) => startedAt >= from && startedAt < to)
}

/** The processes that ran calls made between two times, ms. */
export function ranAt(run: RecordedRun, from: number, to: number): readonly string[] {
  const processes = callsMade(run, from, to).flatMap(({ runs }) => runs.map(({ process }) => process))
  return [...new Set(processes)].toSorted()
}
