import { from, Observable, of, Subject, Subscriber, type OperatorFunction } from 'rxjs'
import type { Runtime } from '../core/index.js'
import { hold, pacedMap, type Stalled } from '../streams/index.js'
import type { SchemaCheck } from './schema-check.js'

/** Where values are checked. */
export interface CheckedPlace {
  /** The endpoint, `words.tally`; named by the `stalled` event. */
  readonly name: string
  /** Told when a check does not answer. */
  readonly onStalled: (event: Stalled) => void
  /** Time for the `stalled` event. */
  readonly runtime: Runtime
}

/**
 * Checks each value in order. As long as the schema answers synchronously, values pass in the turn they come in; from
 * its first promise on they wait for one another, which slows their sender as `pacedMap` does. A value that is refused
 * counts as not processed, and fails the result with the error of the check, unless its sender acknowledges and so hears
 * of it.
 */
export function checkEach(check: SchemaCheck, place: CheckedPlace): OperatorFunction<unknown, unknown> {
  return source => new Observable(subscriber => void source.subscribe(new CheckingSubscriber(subscriber, check, place)))
}

class CheckingSubscriber extends Subscriber<unknown> {
  private readonly out: Subscriber<unknown>
  private readonly check: SchemaCheck
  private readonly place: CheckedPlace
  private queue: Subject<unknown> | undefined

  constructor(out: Subscriber<unknown>, check: SchemaCheck, place: CheckedPlace) {
    super(out)
    this.out = out
    this.check = check
    this.place = place
    this.queue = undefined
  }

  protected override _next(value: unknown): void {
    let checked: unknown
    try {
      checked = this.check(value)
    } catch (error) {
      const release = hold()
      release?.(error)
      if (release?.naks !== true) this.error(error)
      return
    }
    if (this.queue === undefined && !(checked instanceof Promise)) this.out.next(checked)
    else this.waiting().next(checked)
  }

  protected override _error(error: unknown): void {
    if (this.queue === undefined) this.out.error(error)
    else this.queue.error(error)
  }

  protected override _complete(): void {
    if (this.queue === undefined) this.out.complete()
    else this.queue.complete()
    this.unsubscribe() // from the source; values that are being checked go on
  }

  private waiting(): Subject<unknown> {
    if (this.queue !== undefined) return this.queue
    const { name, onStalled, runtime } = this.place
    const queue = new Subject<unknown>()
    this.queue = queue
    const inTurn = pacedMap((checked: unknown) => (checked instanceof Promise ? from(checked) : of(checked)), {
      concurrency: 1,
      runtime,
      onStalled: event => onStalled({ ...event, where: name }),
    })
    queue.pipe(inTurn).subscribe(this.out)
    return queue
  }
}
