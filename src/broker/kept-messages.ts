import { RingBuffer } from '../core/index.js'
import type { From } from './broker.js'
import type { Published } from './memory-event.js'

/** How much is kept. */
export interface KeptMessagesOptions {
  /** Most messages of one topic. */
  readonly keep: number
  /** Most messages of all topics. */
  readonly maxKept: number
}

/** The last messages of each topic, for those who subscribe later. */
export class KeptMessages {
  private readonly options: KeptMessagesOptions
  /** By number, the oldest first. */
  private readonly kept: Map<number, Published>
  /** The numbers of each topic, the oldest first. */
  private readonly topics: Map<string, RingBuffer<number>>

  constructor(options: KeptMessagesOptions) {
    this.options = options
    this.kept = new Map()
    this.topics = new Map()
  }

  /** Keeps a message, and forgets the oldest of its topic, or of all, that there is no room for. */
  add(sequence: number, message: Published): void {
    const { keep, maxKept } = this.options
    const numbers = this.topics.get(message.topic) ?? new RingBuffer<number>()
    this.topics.set(message.topic, numbers)
    this.kept.set(sequence, message)
    numbers.push(sequence)
    if (numbers.length > keep) this.kept.delete(numbers.shift() ?? -1)
    if (this.kept.size > maxKept) this.forgetOldest()
  }

  /** What a subscription begins with, the oldest first. */
  replay(from: From, matches: (topic: string) => boolean): readonly Published[] {
    if (from === 'new') return []
    const matching = [...this.kept.values()].filter(({ topic }) => matches(topic))
    if (from === 'all') return matching
    if ('last' in from) return matching.slice(-from.last)
    if ('time' in from) return matching.filter(({ publishedAt }) => publishedAt >= from.time)
    return matching.filter(({ sequence = 0 }) => sequence >= from.sequence)
  }

  private forgetOldest(): void {
    const [oldest] = this.kept.values()
    if (oldest === undefined) return
    const numbers = this.topics.get(oldest.topic) // the oldest of all is the oldest of its topic
    this.kept.delete(numbers?.shift() ?? -1)
    if (numbers?.length === 0) this.topics.delete(oldest.topic)
  }
}
