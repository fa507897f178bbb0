import { Subscription, type SchedulerAction, type SchedulerLike } from 'rxjs'
import { RpcError, seededRuntime, type Runtime } from '../../core/index.js'
import { Agenda } from './agenda.js'

/** What a {@link Timeline} tells of each event before it runs, and what it does with an error that nobody caught. */
export interface TimelineOwner {
  /** An event has ended, and the micro-tasks after it. */
  happened(): void
  /** An event of `clock` has thrown. */
  threw(clock: Clock, error: unknown): void
}

/** Most events that may happen at one instant. */
const MAX_EVENTS_PER_INSTANT = 200_000

/** Virtual time: runs what is scheduled on its clocks, in order, as fast as it can. */
export class Timeline {
  /** World time, ms from 0. */
  now: number
  /** Events that have happened. */
  events: number
  /** Whose event happens, or was the last to happen. */
  running: string
  private readonly owner: TimelineOwner
  private readonly agenda: Agenda<Task>
  private readonly microtasks: Microtask[]
  private order: number
  private instantEvents: number

  constructor(owner: TimelineOwner) {
    this.now = 0
    this.events = 0
    this.running = 'world'
    this.owner = owner
    this.agenda = new Agenda()
    this.microtasks = []
    this.order = 0
    this.instantEvents = 0
  }

  /** Events that wait. */
  get pending(): number {
    return this.agenda.length
  }

  /** Runs events until one is due after `until`, or `pause` says true after one. Gives whether it paused. */
  run(until: number, pause: () => boolean): boolean {
    // What promises led to since the pause.
    this.flushMicrotasks()
    this.owner.happened()
    if (pause()) return true
    for (let task = this.agenda.peek(); task !== undefined && task.due <= until; task = this.agenda.peek()) {
      this.agenda.pop()
      if (this.step(task) && pause()) return true
    }
    this.now = until
    return false
  }

  /** Puts `task` on the agenda. */
  enqueue(task: Task, delayMs: number): void {
    task.due = this.now + (delayMs > 0 ? delayMs : 0)
    task.order = this.order++
    this.agenda.push(task)
  }

  /** Runs `task` when the present event is done. */
  microtask(clock: Clock, task: () => void): void {
    this.microtasks.push({ clock, task })
  }

  /** Gives whether something has happened. */
  private step(task: Task): boolean {
    const { clock } = task
    if (!clock.isLive || task.closed) return false
    if (clock.busyUntil > task.due) {
      task.due = clock.busyUntil
      this.agenda.push(task)
      return false
    }
    if (task.due > this.now) this.instantEvents = 0
    else if (++this.instantEvents > MAX_EVENTS_PER_INSTANT) throw this.stuck(clock)
    this.now = task.due
    this.events++
    this.running = clock.name
    if (clock.turnMs > 0) clock.busyUntil = this.now + clock.turnMs
    try {
      task.execute()
    } catch (error) {
      this.owner.threw(clock, error)
    }
    this.flushMicrotasks()
    this.owner.happened()
    return true
  }

  private flushMicrotasks(): void {
    const { microtasks } = this
    for (let index = 0; index < microtasks.length; index++) {
      const { clock, task } = microtasks[index] as Microtask
      if (index > MAX_EVENTS_PER_INSTANT) throw this.stuck(clock)
      if (!clock.isLive) continue
      try {
        task()
      } catch (error) {
        this.owner.threw(clock, error)
      }
    }
    microtasks.length = 0
  }

  private stuck({ name }: Clock): RpcError {
    const message =
      `simulate: time stands still at ${this.now} ms: more than ${MAX_EVENTS_PER_INSTANT} events at one instant, ` +
      `the last in ${name}; does something repeat without delay?`
    return new RpcError('RESOURCE_EXHAUSTED', message, { reason: 'simulation_runaway' })
  }
}

interface Microtask {
  readonly clock: Clock
  readonly task: () => void
}

/** The clock and timers of one simulated process: one life of it. */
export class Clock implements SchedulerLike {
  /** Whose it is. */
  readonly name: string
  /** How far it is ahead of world time, ms. */
  readonly skewMs: number
  /** How long an event keeps the process from the next one, ms. */
  turnMs: number
  /** Until when the process has no time for the next event, ms of world time. */
  busyUntil: number
  /** Whether its process runs; when it does not, nothing scheduled here happens any more. */
  isLive: boolean
  private readonly timeline: Timeline

  constructor(timeline: Timeline, name: string, skewMs: number) {
    this.name = name
    this.skewMs = skewMs
    this.turnMs = 0
    this.busyUntil = 0
    this.isLive = true
    this.timeline = timeline
  }

  /** What the process takes for the time, ms. */
  now(): number {
    return this.timeline.now + this.skewMs
  }

  /** As RxJS's schedulers do: `work` runs after `delay` ms, unless it is unsubscribed or the process has ended. */
  schedule<S>(work: (this: SchedulerAction<S>, state?: S) => void, delay = 0, state?: S): Subscription {
    return new Task(this, this.timeline, work as Work).schedule(state, delay)
  }
}

type Work = (this: SchedulerAction<unknown>, state?: unknown) => void

/** One piece of scheduled work, which may schedule itself again while it runs. */
class Task extends Subscription implements SchedulerAction<unknown> {
  readonly clock: Clock
  due: number
  order: number
  private readonly timeline: Timeline
  private readonly work: Work
  private state: unknown
  private isWaiting: boolean

  constructor(clock: Clock, timeline: Timeline, work: Work) {
    super()
    this.clock = clock
    this.due = 0
    this.order = 0
    this.timeline = timeline
    this.work = work
    this.state = undefined
    this.isWaiting = false
  }

  schedule(state?: unknown, delay = 0): Subscription {
    if (this.closed) return this
    if (this.isWaiting) return this // as RxJS: it is on the agenda once
    this.state = state
    this.isWaiting = true
    this.timeline.enqueue(this, delay)
    return this
  }

  execute(): void {
    this.isWaiting = false
    this.work.call(this, this.state)
    if (!this.isWaiting) this.unsubscribe()
  }
}

/** Time and chance of one life of a process. */
export function runtimeOn(timeline: Timeline, clock: Clock, seed: number): Runtime {
  const seeded = seededRuntime({ scheduler: clock, seed })
  return {
    ...seeded,
    microtask: task => timeline.microtask(clock, task),
    macrotask: task => void clock.schedule(() => task()),
  }
}
