/** Consumers whose position is remembered; then that goes which was noted longest ago. */
const MAX_POSITIONS = 1024

/** How far the consumers of a stream have come, as far as this process has heard. */
export class ConsumerPositions {
  private readonly next: Map<string, number>
  private madeAt: string | undefined

  constructor() {
    this.next = new Map()
    this.madeAt = undefined
  }

  /** The stream was made then: in another one of the same name every message is new, to all that were here. */
  streamMade(at: string): void {
    if (this.madeAt !== undefined && this.madeAt !== at) for (const name of this.next.keys()) this.next.set(name, 1)
    this.madeAt = at
  }

  /** A consumer has acknowledged everything before this sequence. */
  note(consumer: string, sequence: number): void {
    this.next.delete(consumer)
    this.next.set(consumer, sequence)
    if (this.next.size <= MAX_POSITIONS) return
    const [oldest] = this.next.keys()
    if (oldest !== undefined) this.next.delete(oldest)
  }

  /** The sequence that was noted last of a consumer; `undefined` when nothing is known of it. */
  of(consumer: string): number | undefined {
    return this.next.get(consumer)
  }
}
