import { first } from './first.js'

/** Draws from one source of numbers in [0, 1), so that a seed repeats everything that was drawn. */
export class Chance {
  private readonly random: () => number

  constructor(random: () => number) {
    this.random = random
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor(this.random() * limit)
  }

  /** True once in `n` times, on average. */
  oneIn(n: number): boolean {
    return this.random() * n < 1
  }

  /** One of `choices`, of which there must be some. */
  pick<T>(choices: readonly T[]): T {
    return first(choices.slice(this.below(choices.length)))
  }

  /** So many bytes, each as likely as any other. */
  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256))
  }
}
