import { Observable, timer, type MonoTypeOperatorFunction, type Subscription } from 'rxjs'
import { hold, type Release } from 'millrace/streams'

/**
 * Passes items on at once, and consumes them one after the other, each after `ms` of work.
 * Unsubscribing ends the work, what is unfinished counts as not processed; completion does not.
 */
export function consumeSlowly<T>(ms: number, onConsumed?: () => void): MonoTypeOperatorFunction<T> {
  return source =>
    new Observable(subscriber => {
      const held: (Release | undefined)[] = []
      let work: Subscription | undefined
      let completed = false
      const next = (): void => {
        work = timer(ms).subscribe(() => {
          work = undefined
          held.shift()?.()
          onConsumed?.()
          if (held.length > 0 && work === undefined) next()
        })
      }
      subscriber.add(
        source.subscribe({
          next: value => {
            held.push(hold())
            if (held.length === 1) next()
            subscriber.next(value)
          },
          error: error => subscriber.error(error),
          complete: () => {
            completed = true
            subscriber.complete()
          },
        }),
      )
      subscriber.add(() => {
        if (completed) return
        work?.unsubscribe()
        for (const release of held.splice(0)) release?.('unsubscribed')
      })
    })
}
