import type { Observable } from 'rxjs'
import { RpcError } from '../../../core/index.js'
import { foreignError } from '../foreign-error.js'

/** The one value of an answer, or the `RpcError` it failed with; rejects when there is none, a second, or another error. */
export function answerOf<T>(answer$: Observable<T>): Promise<T | RpcError> {
  return new Promise((resolve, reject) => {
    let answer: { readonly value: T } | undefined
    answer$.subscribe({
      next: value => {
        if (answer !== undefined) reject(foreignError('a second answer'))
        answer = { value }
      },
      error: (error: unknown) => (RpcError.is(error) ? resolve(error) : reject(error)),
      complete: () => (answer === undefined ? reject(foreignError('no answer')) : resolve(answer.value)),
    })
  })
}
