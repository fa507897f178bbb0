import { stalledTo, type PacedMapOptions } from 'millrace/streams'
import type { ProcessContext } from 'millrace/testing'

/** Options of `pacedMap` in a process: its time, and its log. */
export function pacing({ runtime, log }: ProcessContext, concurrency: number): PacedMapOptions {
  return { runtime, concurrency, onStalled: stalledTo(log) }
}
