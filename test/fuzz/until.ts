import { interval, lastValueFrom, map, takeWhile } from 'rxjs'

/** Time between two looks, ms. */
const LOOK_EVERY_MS = 20

/** Looks every 20 ms whether `condition` holds, for `ms` at most; gives whether it did. */
export async function until(condition: () => boolean, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms
  const looks$ = interval(LOOK_EVERY_MS).pipe(
    map(condition),
    takeWhile(holds => !holds && performance.now() < deadline, true),
  )
  return lastValueFrom(looks$)
}
