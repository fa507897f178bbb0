import { asyncScheduler, type SchedulerLike } from 'rxjs'

/**
 * The only door to time and chance. Everything in millrace that waits, reads a clock, draws a number or makes an id
 * does it through the `Runtime` it was given, so that a program on a virtual scheduler and a seed is repeatable.
 */
export interface Runtime {
  /** Clock (ms, never goes back) and timers. */
  readonly scheduler: SchedulerLike
  /** A number drawn uniformly from [0, 1). */
  random(): number
  /** A new id, unique in this runtime: 32 lower-case hex digits. */
  id(): string
  /** Runs `task` when the work of the current turn is done, before any I/O. It must not throw. */
  microtask(task: () => void): void
  /** Runs `task` in a later turn, after I/O had its chance. It must not throw. */
  macrotask(task: () => void): void
}

/**
 * Longest time that a timer of the platform counts, ms, about 25 days: beyond it, it fires at once. The most that an
 * option which sets a timer may be.
 */
export const MAX_TIMER_MS = 2_147_483_647

/** The runtime of real programs: monotonic wall-clock time, the platform's randomness. */
export function systemRuntime(): Runtime {
  return SYSTEM
}

/** What {@link seededRuntime} is made of. */
export interface SeededRuntimeOptions {
  /** Where time comes from, usually a virtual scheduler. */
  readonly scheduler: SchedulerLike
  /** Any 32-bit integer; the same seed draws the same numbers and ids. */
  readonly seed: number
}

/**
 * A runtime whose numbers and ids are drawn from a seed and whose tasks all go through `scheduler`:
 * two runs with one seed are equal, on every machine.
 */
export function seededRuntime({ scheduler, seed }: SeededRuntimeOptions): Runtime {
  const random = sfc32(seed)
  const later = (task: () => void): void => void scheduler.schedule(task)
  return { scheduler, random, id: () => hexId(random), microtask: later, macrotask: later }
}

interface Platform {
  setImmediate?: (task: () => void) => unknown
  process?: { nextTick?: (task: () => void) => void }
}

const platform = globalThis as unknown as Platform
const nextTick = platform.process?.nextTick
const setImmediate = platform.setImmediate

const origin = performance.timeOrigin // a getter that costs more than the clock

// asyncScheduler's own clock is Date.now, which jumps when the machine's clock is set.
const monotonicScheduler: SchedulerLike = {
  now: () => origin + performance.now(),
  schedule: asyncScheduler.schedule.bind<SchedulerLike['schedule']>(asyncScheduler),
}

const SYSTEM: Runtime = Object.freeze({
  scheduler: monotonicScheduler,
  random: Math.random,
  id: () => crypto.randomUUID().replaceAll('-', ''),
  // In Node a nextTick task runs after all pending micro-tasks of the turn, so one flush covers what they wrote too.
  microtask: nextTick ?? (task => queueMicrotask(task)), // a browser refuses to have it called as a method
  macrotask: setImmediate ?? messageChannelTask(),
})

/** setTimeout is clamped to 1–4 ms; a message to ourselves is not. */
function messageChannelTask(): (task: () => void) => void {
  return task => {
    const { port1, port2 } = new MessageChannel()
    port1.addEventListener('message', () => {
      port1.close()
      task()
    })
    port1.start()
    port2.postMessage(undefined)
  }
}

/** Chris Doty-Humphrey's sfc32 (PractRand): 128 bits of state, integer arithmetic only, so equal on every machine. */
function sfc32(seed: number): () => number {
  let a = 0
  let b = 0x9e3779b9
  let c = seed | 0
  let counter = 1
  const draw = (): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return (sum >>> 0) / 0x1_0000_0000
  }
  for (let round = 0; round < 15; round++) draw()
  return draw
}

function hexId(random: () => number): string {
  let id = ''
  for (let word = 0; word < 4; word++) {
    id += Math.floor(random() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0')
  }
  return id
}
