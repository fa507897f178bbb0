import type { Observable } from 'rxjs'

/** What a source emits while it is being subscribed. */
export function valuesOf<T>(source: Observable<T>): T[] {
  const values: T[] = []
  source.subscribe(value => values.push(value)).unsubscribe()
  return values
}
