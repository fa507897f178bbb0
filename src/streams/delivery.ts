import type { Subscriber } from 'rxjs'

/** Ends one hold of a delivery; further calls do nothing. */
export interface Release {
  /** With an error the whole delivery counts as not processed. */
  (error?: unknown): void
  /** Whether the delivery is {@link acknowledged}, so that its sender sees to what an error is given for. */
  readonly naks?: boolean
}

/**
 * Told when a delivery has been consumed: exactly once, with the first error a holder released it with, or with
 * nothing. It runs inside `deliver` when nobody held the value, otherwise inside the last release.
 */
export interface OnConsumed {
  /** With an error the value was not processed. */
  (error?: unknown): void
  /** Whether it is {@link acknowledged}. @default false */
  readonly naks?: boolean
}

/**
 * Marks what a sender does on consumption as an acknowledgement: an error is a nak, and what it was given for comes
 * again or becomes a dead letter, as brokers do. So the error has been dealt with, and need not end the stream:
 * `pacedMap` goes on with other values.
 */
export function acknowledged(onConsumed: (error?: unknown) => void): OnConsumed {
  return Object.assign(onConsumed, { naks: true })
}

/**
 * The innermost delivery that is running its `next`. One per process, shared by every copy of the package, so that a
 * copy's operators hold what another copy's sockets deliver.
 */
interface Scope {
  /** Whether a `next` of some delivery is on the stack and no nearer `outside`. */
  open: boolean
  /** The delivery of that `next`; made by its first `hold`, or before it when it is acknowledged. */
  delivery: Delivery | undefined
}

const SCOPE = Symbol.for('millrace.scope.1')
const scope: Scope = ((globalThis as { [SCOPE]?: Scope })[SCOPE] ??= { open: false, delivery: undefined })

class Delivery {
  readonly naks: boolean
  private holders: number
  private error: unknown
  private onConsumed: OnConsumed | undefined

  constructor(naks: boolean) {
    this.naks = naks
    this.holders = 0
    this.error = undefined
    this.onConsumed = undefined
  }

  hold(): Release {
    this.holders++
    let held = true
    const release: Release = error => {
      if (!held) return
      held = false
      this.holders--
      this.error ??= error
      this.settle()
    }
    return this.naks ? Object.assign(release, { naks: true }) : release
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
  const delivery = scopedNext(subscriber, value, onConsumed, onConsumed.naks === true)
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
  return (scope.delivery ??= new Delivery(false)).hold()
}

/**
 * Passes `value` on as a new delivery that keeps the current one, if there is one, from being consumed before it:
 * what an operator does that emits later than it receives. `onConsumed` hears of the new delivery, which is
 * {@link acknowledged} when it or the current one is.
 */
export function redeliver<T>(subscriber: Pick<Subscriber<T>, 'next'>, value: T, onConsumed: OnConsumed): void {
  const naks = onConsumed.naks === true || (scope.open && scope.delivery?.naks === true)
  const delivery = scopedNext(subscriber, value, onConsumed, naks)
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

/** Runs `next` in a scope of its own and gives the delivery, if it is acknowledged or anyone held it. */
function scopedNext<T>(
  subscriber: Pick<Subscriber<T>, 'next'>,
  value: T,
  onConsumed: OnConsumed,
  naks: boolean,
): Delivery | undefined {
  const { open, delivery } = scope
  scope.open = true
  scope.delivery = naks ? new Delivery(true) : undefined
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
