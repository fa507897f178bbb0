import { timer, type Observable } from 'rxjs'
import type { Runtime } from '../../core/index.js'

const FIRST_MS = 50
const LAST_MS = 2000
const DOUBLINGS = 6

/**
 * Emits when it is time to try again after so many failures in a row: after 50 ms, then twice as long each time up to
 * 2 s, less up to half by chance, so that the users of a log which comes back do not all ask at once.
 */
export function retryPause(
  failures: number,
  { random, scheduler }: Pick<Runtime, 'random' | 'scheduler'>,
): Observable<0> {
  const doubled = FIRST_MS * (1 << Math.min(failures - 1, DOUBLINGS))
  return timer(Math.min(doubled, LAST_MS) * (1 - random() / 2), scheduler)
}
