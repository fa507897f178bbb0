import { from, Observable, of, Subject, Subscriber, type OperatorFunction } from 'rxjs'
import { pacedMap } from '../streams/index.js'
import type { SchemaCheck } from './schema-check.js'

/**
 * Checks each value in order. As long as the schema answers synchronously, values pass in the turn they come in; from
 * its first promise on they wait for one another, which slows their sender as `pacedMap` does.
 */
export function checkEach(check: SchemaCheck): OperatorFunction<unknown, unknown> {
  return source => new Observable(subscriber => void source.subscribe(new CheckingSubscriber(subscriber, check)))
}

class CheckingSubscriber extends Subscriber<unknown> {
  private readonly out: Subscriber<unknown>
  private readonly check: SchemaCheck
  private queue: Subject<unknown> | undefined

  constructor(out: Subscriber<unknown>, check: SchemaCheck) {
    super(out)
    this.out = out
    this.check = check
    this.queue = undefined
  }

  protected override _next(value: unknown): void {
    let checked: unknown
    try {
      checked = this.check(value)
    } catch (error) {
      this.error(error)
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
  }

  private waiting(): Subject<unknown> {
    if (this.queue !== undefined) return this.queue
    const queue = new Subject<unknown>()
    this.queue = queue
    const inTurn = pacedMap((checked: unknown) => (checked instanceof Promise ? from(checked) : of(checked)), {
      concurrency: 1,
    })
    queue.pipe(inTurn).subscribe(this.out)
    return queue
  }
}
