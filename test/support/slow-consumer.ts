import { Observable, type MonoTypeOperatorFunction } from 'rxjs'
import type { Runtime } from 'millrace/core'
import { hold, type Release } from 'millrace/streams'

/** Passes items on at once, and lets go of them one after the other, each after `ms` of work. */
export function consumeSlowly<T>(ms: number, runtime: Runtime, onConsumed?: () => void): MonoTypeOperatorFunction<T> {
  return source =>
    new Observable(subscriber => {
      const held: (Release | undefined)[] = []
      const work = (): void => {
        held.shift()?.()
        onConsumed?.()
        if (held.length > 0) runtime.scheduler.schedule(work, ms)
      }
      return source.subscribe({
        next: value => {
          held.push(hold())
          if (held.length === 1) runtime.scheduler.schedule(work, ms)
          subscriber.next(value)
        },
        error: error => subscriber.error(error),
        complete: () => subscriber.complete(),
      })
    })
}
