import type { RpcError } from 'millrace/core'
import type { Observable, Subscription } from 'rxjs'

/** What an Observable did so far. */
export interface Recording<T> {
  /** The values, in order. */
  readonly values: T[]
  /** The error it failed with. */
  error: RpcError | undefined
  /** Whether it has completed. */
  completed: boolean
  /** Ends the recording. */
  readonly subscription: Subscription
}

/** Subscribes to `source$` and writes down what it does. */
export function record<T>(source$: Observable<T>): Recording<T> {
  const recording: { -readonly [K in keyof Recording<T>]?: Recording<T>[K] } & Pick<Recording<T>, 'values'> = {
    values: [],
    error: undefined,
    completed: false,
  }
  recording.subscription = source$.subscribe({
    next: value => recording.values.push(value),
    error: error => {
      recording.error = error as RpcError
    },
    complete: () => {
      recording.completed = true
    },
  })
  return recording as Recording<T>
}
