import type { Subscriber } from 'rxjs'

/**
 * Ends one hold of a delivery; further calls do nothing.
 * With an error the whole delivery counts as not processed: a broker gets a nak instead of an ack.
 */
export type Release = (error?: unknown) => void

/**
 * Told when a delivery has been consumed: exactly once, with the first error a holder released it with, or with
 * nothing. It runs inside `deliver` when nobody held the value, otherwise inside the last release.
 */
export type OnConsumed = (error?: unknown) => void

/**
 * The innermost delivery that is running its `next`. One per process, shared by every copy of the package, so that a
 * copy's operators hold what another copy's sockets deliver.
 */
interface Scope {
  /** Whether a `next` of some delivery is on the stack and no nearer `outside`. */
  open: boolean
  /** The delivery of that `next`; made by its first `hold`. */
  delivery: Delivery | undefined
}

const SCOPE = Symbol.for('millrace.scope.1')
const scope: Scope = ((globalThis as { [SCOPE]?: Scope })[SCOPE] ??= { open: false, delivery: undefined })

class Delivery {
  private holders: number
  private error: unknown
  private onConsumed: OnConsumed | undefined

  constructor() {
    this.holders = 0
    this.error = undefined
    this.onConsumed = undefined
  }

  hold(): Release {
    this.holders++
    let held = true
    return error => {
      if (!held) return
      held = false
      this.holders--
      this.error ??= error
      this.settle()
    }
  }

  /** `next` has returned: from now on the last release consumes. */
  delivered(onConsumed: OnConsumed): void {
    this.onConsumed = onConsumed
    this.settle()
  }

  private settle(): void {
    if (this.holders > 0 || this.onConsumed === undefined) return
    const onConsumed = this.onConsumed
    this.onConsumed = undefined
    outside(onConsumed, this.error)
  }
}

/**
 * Hands `value` to `subscriber` as a *delivery*: an item whose sender waits to hear that it has been consumed.
 *
 * The rules, cited by number in code and tests:
 * 1. While `subscriber.next(value)` runs, anything downstream may {@link hold} the delivery.
 * 2. When `next` returns and nobody holds, `onConsumed()` runs at once.
 * 3. Otherwise `onConsumed(error?)` runs when the last holder releases; the slowest holder wins.
 * 4. Deliveries nest; `hold` takes the innermost. Completion, errors, subscribing and teardown are no deliveries.
 *
 * `onConsumed` runs exactly once, also when `next` throws.
 */
export function deliver<T>(subscriber: Pick<Subscriber<T>, 'next'>, value: T, onConsumed: OnConsumed): void {
  const delivery = scopedNext(subscriber, value, onConsumed)
  if (delivery === undefined) outside(onConsumed)
  else delivery.delivered(onConsumed)
}

/**
 * Keeps the current delivery from being consumed until the returned function is called.
 * Gives `undefined` when no delivery is running: the value came from a source that pushes by itself.
 * Each hold counts once, each release works once.
 *
 * A holder releases at its own teardown: with an error for work that was not finished, plainly for work that was.
 */
export function hold(): Release | undefined {
  if (!scope.open) return undefined
  return (scope.delivery ??= new Delivery()).hold()
}

/**
 * Passes `value` on as a new delivery that keeps the current one, if there is one, from being consumed before it:
 * what an operator does that emits later than it receives. `onConsumed` hears of the new delivery.
 */
export function redeliver<T>(subscriber: Pick<Subscriber<T>, 'next'>, value: T, onConsumed: OnConsumed): void {
  const delivery = scopedNext(subscriber, value, onConsumed)
  if (delivery === undefined) {
    outside(onConsumed)
    return
  }
  const release = hold() // of the delivery around us, whose scope is open again
  delivery.delivered(
    release === undefined
      ? onConsumed
      : error => {
          release(error)
          onConsumed(error)
        },
  )
}

/**
 * Runs `task` outside of any delivery: for control signals, subscribing and teardown that happen to run inside the
 * `next` of an item which they do not belong to.
 */
export function outside<A>(task: (argument: A) => void, argument: A): void
export function outside(task: () => void): void
export function outside<A>(task: (argument?: A) => void, argument?: A): void {
  if (!scope.open) {
    task(argument)
    return
  }
  const { delivery } = scope
  scope.open = false
  scope.delivery = undefined
  try {
    task(argument)
  } finally {
    scope.open = true
    scope.delivery = delivery
  }
}

/** Runs `next` in a scope of its own and gives the delivery, if anyone held it. */
function scopedNext<T>(
  subscriber: Pick<Subscriber<T>, 'next'>,
  value: T,
  onConsumed: OnConsumed,
): Delivery | undefined {
  const { open, delivery } = scope
  scope.open = true
  scope.delivery = undefined
  let thrown = true
  try {
    subscriber.next(value)
    thrown = false
    return scope.delivery
  } finally {
    scope.open = open
    scope.delivery = delivery
    if (thrown) outside(onConsumed)
  }
}
