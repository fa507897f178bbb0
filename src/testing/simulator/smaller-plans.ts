import type { FailingRun } from './failing-run.js'
import type { Fault } from './fault.js'

/** Times that read well, ms: they are tried instead of all the others. */
const readable: readonly number[] = [0, ...[1, 10, 100, 1000, 10_000, 100_000, 1_000_000].flatMap(tens)]
const SECOND = 1000

/** Searches for the smallest plan that fails: until none of these steps makes it smaller. */
export async function shrinkPlan(run: FailingRun): Promise<void> {
  for (let before; before !== run.plan;) {
    before = run.plan
    await endSooner(run)
    await leaveOutFaults(run)
    await beginSooner(run)
    for (let index = 0; index < run.plan.faults.length; index++) {
      await lastShorter(run, index)
      await beginAtReadableTime(run, index)
    }
  }
}

/** Leaves out as many faults at once as possible; in the end, each of those that are left is needed. */
async function leaveOutFaults(run: FailingRun): Promise<void> {
  for (let size = run.plan.faults.length; size >= 1; size = Math.floor(size / 2)) {
    for (let start = 0; start < run.plan.faults.length;) {
      const faults = run.plan.faults.toSpliced(start, size)
      if (!(await run.attempt({ faults }))) start += size
    }
  }
}

/** Ends the run after the violation, and the faults with it. */
async function endSooner(run: FailingRun): Promise<void> {
  const attempt = (duration: number): Promise<boolean> =>
    run.attempt({ duration, faults: run.plan.faults.filter(({ at }) => at < duration).map(until(duration)) })
  const { at } = run.violation
  const seconds = Math.ceil(at / SECOND)
  if (seconds * SECOND < run.plan.duration) await attempt(seconds * SECOND)
  // What is checked at the end is violated earlier when the end is.
  else if (at === run.plan.duration) await least(wholeSeconds(seconds), attempt)
}

/** Moves all faults to an earlier time: one that reads well, or else one in phase with what repeats every second. */
async function beginSooner(run: FailingRun): Promise<void> {
  const attempt = (at: number): Promise<boolean> => {
    const by = firstIn(run) - at
    const faults = run.plan.faults.map(fault => (isMovable(fault) ? { ...fault, at: fault.at - by } : fault))
    return run.attempt({ faults })
  }
  await least(below(firstIn(run)), attempt)
  for (const period of [SECOND, SECOND / 10]) await least(inPhase(firstIn(run), period), attempt)
}

/** Makes one fault shorter, at its end and then at its beginning; a skew smaller. */
async function lastShorter(run: FailingRun, index: number): Promise<void> {
  const { kind, ms, at } = faultAt(run, index)
  if (kind === 'reset') return
  if (kind === 'skew') return least(below(ms), less => change(run, index, { ms: less }))
  await least(written(ms), shorter => change(run, index, { ms: shorter }))
  const { ms: left } = faultAt(run, index)
  await least(written(left), shorter => change(run, index, { ms: shorter, at: at + left - shorter }))
}

/** Lets one fault begin at an earlier time that reads well. */
async function beginAtReadableTime(run: FailingRun, index: number): Promise<void> {
  const fault = faultAt(run, index)
  if (!isMovable(fault)) return
  await least(below(fault.at), at => change(run, index, { at }))
  const { at } = faultAt(run, index)
  for (const step of [SECOND, 100, 10]) {
    if (at % step !== 0 && (await change(run, index, { at: at - (at % step) }))) return
  }
}

function change(run: FailingRun, index: number, by: Partial<Fault>): Promise<boolean> {
  return run.attempt({ faults: run.plan.faults.with(index, { ...faultAt(run, index), ...by }) })
}

/** The first of ascending values with which `attempt` succeeds, by halves, as if all after it did too. */
async function least(values: readonly number[], attempt: (value: number) => Promise<boolean>): Promise<void> {
  let low = 0
  let high = values.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (await attempt(values[middle] as number)) high = middle
    else low = middle + 1
  }
}

function faultAt(run: FailingRun, index: number): Fault {
  return run.plan.faults[index] as Fault
}

/** When the first fault begins, ms; 0 when there is none that could begin sooner. */
function firstIn({ plan }: FailingRun): number {
  const times = plan.faults.filter(isMovable).map(({ at }) => at)
  return times.length === 0 ? 0 : Math.min(...times)
}

/** A skew holds from the first start on. */
function isMovable({ kind }: Fault): boolean {
  return kind !== 'skew'
}

function until(duration: number): (fault: Fault) => Fault {
  return fault => (isMovable(fault) ? { ...fault, ms: Math.min(fault.ms, duration - fault.at) } : fault)
}

function below(ms: number): readonly number[] {
  return readable.filter(each => each < ms)
}

/** Earlier times at which the same is due that repeats with a period. */
function inPhase(ms: number, period: number): readonly number[] {
  return Array.from({ length: Math.floor(ms / period) }, (_, index) => (ms % period) + index * period)
}

/** Shorter lengths of a fault: its letter takes 1 ms, and then comes a time that reads well. */
function written(ms: number): readonly number[] {
  return below(ms - 1).map(each => each + 1)
}

function wholeSeconds(below: number): readonly number[] {
  return Array.from({ length: Math.max(0, below - 1) }, (_, index) => (index + 1) * SECOND)
}

function tens(one: number): readonly number[] {
  return [one, 2 * one, 5 * one]
}
