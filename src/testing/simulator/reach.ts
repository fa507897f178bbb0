import { combineLatest, distinctUntilChanged, map, Observable, Subscription } from 'rxjs'
import type { Life } from './life.js'

/** Whether a life can reach what `passable$` leads to; a process that has ended cannot. */
export function reachable(life: Life, passable$: Observable<boolean>, down$: Observable<boolean>): Observable<boolean> {
  const live$ = new Observable<boolean>(subscriber => {
    const ended = new Subscription(() => subscriber.next(false))
    subscriber.next(life.isLive())
    life.resources.add(ended)
    return () => life.resources.remove(ended)
  })
  return combineLatest([live$, passable$, down$]).pipe(
    map(([live, passable, down]) => live && passable && !down),
    distinctUntilChanged(),
  )
}

/** What ends with a life, without telling anybody. */
export function within<T>(life: Life, source: Observable<T>): Observable<T> {
  return new Observable(subscriber => {
    life.resources.add(subscriber)
    subscriber.add(() => life.resources.remove(subscriber))
    source.subscribe(subscriber)
  })
}
