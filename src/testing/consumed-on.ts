import { Observable, type MonoTypeOperatorFunction } from 'rxjs'
import { RpcError } from '../core/index.js'
import { hold, redeliver, type Release } from '../streams/index.js'

/**
 * Passes items on when they arrive, and consumes them when it is asked to: each digit of `demand$` is how many more.
 * What is not consumed by the end is let go of with CANCELLED.
 */
export function consumedOn<T>(demand$: Observable<string>): MonoTypeOperatorFunction<T> {
  return source =>
    new Observable(subscriber => {
      const held: Release[] = []
      let wanted = 0
      const consume = (): void => {
        while (wanted > 0 && held.length > 0) {
          wanted--
          held.shift()?.()
        }
      }
      subscriber.add(
        demand$.subscribe(digit => {
          wanted += Number(digit)
          consume()
        }),
      )
      subscriber.add(() => {
        for (const release of held) release(new RpcError('CANCELLED', 'not consumed by the end of the spec'))
      })
      subscriber.add(
        source.subscribe({
          next: value => {
            held.push(hold() ?? (() => {}))
            redeliver(subscriber, value, () => {})
            consume()
          },
          error: error => subscriber.error(error),
          complete: () => subscriber.complete(),
        }),
      )
    })
}
