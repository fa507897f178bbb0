import type { Child } from '../support/child.js'
import type { Told } from './party.js'

/** What has become of each number, as the parties have told it. Read anew before each look at it. */
export class Ledger {
  /** When the broker confirmed each number, ms since 1970. */
  readonly confirmed: Map<number, number>
  /** What could not be published, and whether it is certain that nobody got it. */
  readonly refused: Map<number, boolean>
  /** How often each number was processed. */
  readonly processed: Map<number, number>
  /** Each processing, and each failure, as it was told. */
  readonly deliveries: Told[]
  /** Why subscriptions ended that should not have. */
  readonly ended: string[]
  /** The numbers in the order in which each was processed first, with their places among all. */
  private readonly order: (readonly [number: number, place: number])[]
  private readonly positions: Map<Child, number>

  constructor() {
    this.confirmed = new Map()
    this.refused = new Map()
    this.processed = new Map()
    this.deliveries = []
    this.ended = []
    this.order = []
    this.positions = new Map()
  }

  /** How often something was processed that had been processed before. */
  get duplicates(): number {
    return [...this.processed.values()].reduce((sum, times) => sum + times - 1, 0)
  }

  /** Numbers that the broker confirmed and nobody processed. */
  get missing(): readonly number[] {
    return [...this.confirmed.keys()].filter(number => !this.processed.has(number)).toSorted((a, b) => a - b)
  }

  /** How many numbers are published, or will never be. */
  get settled(): number {
    return this.confirmed.size + this.refused.size
  }

  /**
   * Numbers that were processed first when a later one of the same key had been: each is dealt to one of `keys`. Which is
   * later the log says where there is one: what is published again after an outage may change places.
   */
  overtaken(keys: number): readonly number[] {
    const last = Array.from({ length: keys }, () => -1)
    return this.order.flatMap(([number, place]) => {
      const before = last[number % keys] ?? -1
      last[number % keys] = Math.max(before, place)
      return place < before ? [number] : []
    })
  }

  /** Enters what a party has told since it was read last. */
  read(child: Child): void {
    const told = child.told as unknown as readonly Told[]
    for (let index = this.positions.get(child) ?? 0; index < told.length; index++) this.enter(told[index] as Told)
    this.positions.set(child, told.length)
  }

  private enter(told: Told): void {
    const { at, confirmed, refused, isSafe = false, done, failed, ended, reason, sequence } = told
    if (confirmed !== undefined) this.confirmed.set(confirmed, at)
    if (refused !== undefined) this.refused.set(refused, isSafe)
    if (done !== undefined || failed !== undefined) this.deliveries.push(told)
    if (ended === true && reason !== undefined) this.ended.push(reason)
    if (done === undefined) return
    const times = this.processed.get(done) ?? 0
    if (times === 0) this.order.push([done, sequence ?? done])
    this.processed.set(done, times + 1)
  }
}
