import { now } from './monotonic-clock.js'

/** Writes down when something happens, without leaving garbage that would be measured with the rest. */
export class Moments {
  private times: Float64Array
  private length: number

  constructor() {
    this.times = new Float64Array(32_768)
    this.length = 0
  }

  /** It happens now. */
  mark(): void {
    if (this.length === this.times.length) {
      const longer = new Float64Array(2 * this.length)
      longer.set(this.times)
      this.times = longer
    }
    this.times[this.length++] = now()
  }

  /** Tells all moments so far, and forgets them. */
  take(): number[] {
    const taken = Array.from(this.times.subarray(0, this.length))
    this.length = 0
    return taken
  }
}

/** The most that was taken and not yet consumed at any moment. */
export function mostAhead(taken: readonly number[], consumed: readonly number[]): number {
  let most = 0
  let done = 0
  for (const [index, moment] of taken.entries()) {
    while (done < consumed.length && (consumed[done] ?? 0) < moment) done++
    most = Math.max(most, index + 1 - done)
  }
  return most
}

/** The middle one. */
export function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0
}
