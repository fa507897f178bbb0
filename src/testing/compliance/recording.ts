import type { Observable, Subscription } from 'rxjs'
import type { RpcError } from '../../core/index.js'

/** What an Observable did so far. */
export interface Recording<T> {
  /** The values, in order. */
  readonly values: readonly T[]
  /** The error it failed with. */
  readonly error: RpcError | undefined
  /** Whether it has completed. */
  readonly completed: boolean
  /** Ends the recording. */
  readonly subscription: Subscription
}

/** Subscribes to `source$` and writes down what it does. */
export function record<T>(source$: Observable<T>): Recording<T> {
  const values: T[] = []
  const end: { error: RpcError | undefined; completed: boolean } = { error: undefined, completed: false }
  const subscription = source$.subscribe({
    next: value => values.push(value),
    error: (error: RpcError) => (end.error = error),
    complete: () => (end.completed = true),
  })
  return Object.assign(end, { values, subscription })
}
