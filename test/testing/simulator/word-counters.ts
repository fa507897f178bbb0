import { actor, contract, unary } from 'millrace/actors'
import { avoidRefused, random } from 'millrace/selector'
import type { World } from 'millrace/testing'
import { catchError, delay, EMPTY, interval, mergeMap, of, pipe, takeUntil } from 'rxjs'

/** What the cluster speaks. */
export const Words = contract('words', { count: unary<string, number>() })

/** Two instances of a service that needs 20 ms for a call, and a client that calls every 100 ms and gives up after a second. */
export function wordCounters(world: World): void {
  for (const name of ['words-1', 'words-2']) {
    world.process(name, ({ createService, runtime }) => {
      const words = actor(Words, { count: text => of(text.split(' ').length).pipe(delay(20, runtime.scheduler)) })
      return createService({ actors: [words] }).run()
    })
  }
  world.process('web', ({ createClient, runtime, stop$ }) => {
    // Both instances are called all the time, also one that has just failed: what is watched here are the faults.
    const words = createClient({ selector: context => pipe(avoidRefused(context), random(context)) })
      .of(Words)
      .with({ deadlineMs: 1000 })
    return interval(100, runtime.scheduler).pipe(
      mergeMap(() => words.count('to be or not').pipe(catchError(() => EMPTY))),
      takeUntil(stop$),
    )
  })
}
