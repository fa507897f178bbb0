import {
  Subject,
  takeUntil,
  tap,
  type MonoTypeOperatorFunction,
  type SchedulerAction,
  type SchedulerLike,
  type Subscription,
} from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import { RpcError } from '../core/index.js'

/** When something was subscribed and unsubscribed, ms; `Infinity` when it was not. */
export interface SubscriptionLog {
  /** When it was subscribed, ms. */
  readonly subscribedFrame: number
  /** When it was unsubscribed or ended, ms. */
  readonly unsubscribedFrame: number
}

/** A marble of a diagram and its frame; the value of a `next` is its letter. */
export interface Marble {
  /** When, ms. */
  readonly frame: number
  /** What happens. */
  readonly kind: 'next' | 'error' | 'complete'
  /** The letter of a `next`, `#` or `|`. */
  readonly letter: string
}

/** A marble of a cold source that reached a subscriber. */
export interface Played {
  /** When, ms. */
  readonly frame: number
  /** The message of the source, and when it comes after a subscription, ms. */
  readonly message: { readonly frame: number }
  /** Whom it reached. */
  readonly subscriber: unknown
}

const KINDS = { N: 'next', E: 'error', C: 'complete' } as const
const GROUPS = /^(?:[^()]|\([^()]*\))*$/
const LETTERS = { N: '', E: '#', C: '|' } as const

/**
 * RxJS's TestScheduler with an end: it stops with a diagnosis when work goes on for ever, and knows the timers that are
 * left when everything else has ended. The only file that knows the TestScheduler.
 */
export class VirtualTime extends TestScheduler {
  /** What a character of a diagram takes, ms: RxJS's is 10 outside of `run`, where simulations read their diagrams. */
  static override frameTimeFactor: number = 1
  /** A scheduler whose timers must not outlive what is observed. */
  readonly owned: SchedulerLike
  /** Since when nothing is observed any more. */
  quietSince: number
  /** When owned timers ran although nothing was observed any more. */
  readonly late: number[]
  /** What cold sources have played, if anybody wants to know. */
  played: Played[] | undefined
  private readonly maxMs: number
  private readonly maxTasks: number
  private readonly ownedTasks: WeakSet<Subscription>
  /** Emits when more is emitted in one turn than a spec may do. */
  private readonly overrun: Subject<void>
  private emitted: number

  constructor(maxMs: number, maxTasks: number) {
    super(() => true)
    this.owned = { now: () => this.now(), schedule: this.scheduleOwned.bind(this) }
    this.quietSince = Infinity
    this.late = []
    this.played = undefined
    this.maxMs = maxMs
    this.maxTasks = maxTasks
    this.ownedTasks = new WeakSet()
    this.overrun = new Subject()
    this.emitted = 0
  }

  /** Stops a source that emits without end in one turn, for this ends no task; the spec fails then. */
  bounded<T>(): MonoTypeOperatorFunction<T> {
    return source =>
      source.pipe(
        tap(() => {
          if (++this.emitted > this.maxTasks) this.overrun.next()
        }),
        takeUntil(this.overrun),
      )
  }

  override flush(): void {
    for (const hot of this.hotObservables.splice(0)) hot.setup()
    let tasks = 0
    for (let task = this.actions[0]; task !== undefined; task = this.actions[0]) {
      if (task.delay > this.maxMs) throw this.runaway(`${this.maxMs} ms of virtual time`)
      if (++tasks > this.maxTasks) throw this.runaway(`${this.maxTasks} tasks, at ${this.frame} ms of virtual time`)
      this.actions.shift()
      this.frame = task.delay
      if (this.ownedTasks.has(task) && task.delay > this.quietSince) this.late.push(task.delay)
      if (this.played !== undefined && isPlayed(task.state)) this.played.push({ ...task.state, frame: this.frame })
      this.emitted = 0
      const error: unknown = task.execute(task.state, task.delay)
      if (this.emitted > this.maxTasks) throw this.endless()
      // eslint-disable-next-line typescript/only-throw-error -- whatever the task threw
      if (error !== undefined) throw error
    }
  }

  private scheduleOwned<S>(
    work: (this: SchedulerAction<S>, state?: S) => void,
    delay?: number,
    state?: S,
  ): Subscription {
    const task = this.schedule<S>(work, delay, state)
    this.ownedTasks.add(task)
    return task
  }

  private endless(): RpcError {
    return new RpcError(
      'RESOURCE_EXHAUSTED',
      `marbles: more than ${this.maxTasks} items came in one turn, at ${this.frame} ms of virtual time; ` +
        'does a source emit without end? Draw a demand for it, take a few of its items, or raise maxTasks',
      { reason: 'marbles_runaway', details: { at: this.frame } },
    )
  }

  private runaway(when: string): RpcError {
    const next = this.actions[0]?.delay ?? this.frame
    return new RpcError(
      'RESOURCE_EXHAUSTED',
      `marbles: ${this.actions.length} tasks are still scheduled after ${when}, the next at ${next} ms; ` +
        'does something repeat without end? End it with a subscription marble, or raise maxMs or maxTasks',
      { reason: 'marbles_runaway', details: { scheduled: this.actions.length, next } },
    )
  }
}

/** Whether a task plays a marble of a cold source: RxJS keeps this much with it. */
function isPlayed(state: unknown): state is Omit<Played, 'frame'> {
  return typeof state === 'object' && state !== null && 'message' in state && 'subscriber' in state
}

/** Reads a diagram of notifications. */
export function parseMarbles(diagram: string): readonly Marble[] {
  if (!GROUPS.test(diagram)) throw invalidMarbles(diagram, 'a group is not closed, or not opened, or in another')
  return reading(diagram, () =>
    VirtualTime.parseMarbles(diagram, undefined, undefined, false, true).map(({ frame, notification }) => ({
      frame,
      kind: KINDS[notification.kind],
      letter: notification.kind === 'N' ? String(notification.value) : LETTERS[notification.kind],
    })),
  )
}

/** Reads a diagram of one subscription, `^---!`. */
export function parseSubscription(diagram: string): SubscriptionLog {
  return reading(diagram, () => VirtualTime.parseMarblesAsSubscriptions(diagram, true))
}

function reading<T>(diagram: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw invalidMarbles(diagram, error instanceof Error ? error.message : String(error))
  }
}

/** The error for a diagram that cannot be read. */
export function invalidMarbles(diagram: string, fault: string): RpcError {
  return new RpcError('INVALID_ARGUMENT', `marbles: ${JSON.stringify(diagram)}: ${fault}`, {
    reason: 'invalid_marbles',
  })
}
