import { type MonoTypeOperatorFunction, tap } from 'rxjs'
import type { Totals } from './contracts.js'

/**
 * Counts the lines that are under way: from where a line enters the pipeline, on its way to a tokenizer, back as words
 * and on to the counter, until the counter's running totals have it. docs/main-job.md says what that leaves out.
 */
export class InFlight {
  /** Most lines that were under way at one time. */
  peak = 0
  /** Lines that have entered. */
  entered = 0
  private counted = 0

  /** Lines under way now. */
  get now(): number {
    return this.entered - this.counted
  }

  /** Stands where lines enter. */
  enter(): MonoTypeOperatorFunction<string> {
    return tap(() => {
      this.entered++
      if (this.now > this.peak) this.peak = this.now
    })
  }

  /** Stands where totals come out. */
  leave(): MonoTypeOperatorFunction<Totals> {
    return tap(({ lines }) => {
      this.counted = lines
    })
  }
}
