import { BehaviorSubject, type Observable } from 'rxjs'
import { limitedLog, type Log, type Runtime } from '../core/index.js'
import type { Registry } from './registry.js'

/** A registry whose records others write too: what cannot be read is passed over and counted. */
export interface RecordRegistry extends Registry {
  /**
   * How often a record was passed over because it could not be read, one that is read again counted again: the present
   * number at once, 0 at first, then each time it grows. Never ends. The log says which and why, a line in 10 s.
   */
  readonly skipped$: Observable<number>
}

/** Where a registry tells of records that it passes over. */
export interface SkippedRecords {
  /** How many so far. */
  readonly count$: Observable<number>
  /** Counts a record by its key or name, and logs why it is passed over: as `registry.record_skipped`, a warning. */
  skip(record: string, why: string): void
}

/** A stranger can write as many records as it likes. */
const LIMIT = { lines: 1, everyMs: 10_000 }

const SHOWN_CHARS = 200

/** Nothing passed over yet. */
export function skippedRecords(registry: string, log: Log, runtime: Runtime): SkippedRecords {
  const count$ = new BehaviorSubject(0)
  const limited = limitedLog(log, runtime, LIMIT)
  return {
    count$: count$.asObservable(),
    skip(record, why) {
      const shown = JSON.stringify(record.slice(0, SHOWN_CHARS))
      limited({
        level: 'warn',
        event: 'registry.record_skipped',
        message: `registry ${registry}: record ${shown} is skipped: ${why}`,
        fields: { registry, record: record.slice(0, SHOWN_CHARS) },
      })
      count$.next(count$.value + 1)
    },
  }
}
