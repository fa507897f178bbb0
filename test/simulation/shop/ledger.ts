/** A queue group. */
export interface Queue {
  /** Its name. */
  readonly name: string
  /** The processes that are its members. */
  readonly members: readonly string[]
}

/** An event that the broker has. */
export interface PublishedEvent {
  /** The order that was placed. */
  readonly order: string
  /** When its publisher had the receipt, ms of world time. */
  readonly at: number
}

/** What was published and handled in one run, kept outside of all processes. */
export class Ledger {
  /** In the order of their receipts. */
  readonly published: PublishedEvent[]
  private readonly handledOrders: Set<string>
  private readonly now: () => number

  constructor(now: () => number) {
    this.published = []
    this.handledOrders = new Set()
    this.now = now
  }

  /** The broker has confirmed an order. */
  confirm(order: string): void {
    this.published.push({ order, at: this.now() })
  }

  /** A member of `queue` is done with an order. */
  handle(order: string, queue: Queue): void {
    this.handledOrders.add(`${queue.name} ${order}`)
  }

  /** Whether a member of `queue` has been done with an order, receipt or not. */
  isHandled(order: string, queue: Queue): boolean {
    return this.handledOrders.has(`${queue.name} ${order}`)
  }
}
