import { noop } from 'rxjs'

/** Gives turns, one at a time, in the order in which they are asked for. */
export class OneAtATime {
  private last: Promise<void>

  constructor() {
    this.last = Promise.resolve()
  }

  /** Waits for a turn, and gives what ends it. */
  async turn(): Promise<() => void> {
    const before = this.last
    let end: () => void = noop
    this.last = new Promise(resolve => (end = resolve))
    await before
    return end
  }
}
