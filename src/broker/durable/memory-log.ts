import { concat, EMPTY, NEVER, Observable, of } from 'rxjs'
import {
  having,
  integer,
  MAX_TIMER_MS,
  number,
  optional,
  resolveOptions,
  systemRuntime,
  type Runtime,
} from '../../core/index.js'
import type { BrokerStatus } from '../broker-status.js'
import { topicMatcher } from '../topic.js'
import { MemoryConsumer, type Position } from './memory-consumer.js'
import type { Appended, ConsumerOptions, LogConsumer, LogRecord, MessageLog, StoredRecord } from './message-log.js'

/** Options of {@link memoryLog}. */
export interface MemoryLogOptions {
  /** Time, and the later turns in which records are delivered. @default systemRuntime() */
  readonly runtime?: Runtime
  /** Most records that are kept; then the oldest goes, also when nobody has read it. @default 65_536 */
  readonly maxRecords?: number
  /** How long a record is known by its id, ms; of the last `maxRecords` at most. @default 120_000, as JetStream has it */
  readonly dedupWindowMs?: number
}

/**
 * A log in the memory of one process: what {@link MessageLog} means, in the fewest words, on any clock. It outlives its
 * users, not the process. Nothing goes wrong in it.
 *
 * Throws INVALID_ARGUMENT (reason `invalid_options`).
 */
export function memoryLog(options?: MemoryLogOptions): MessageLog {
  return new MemoryLog(
    resolveOptions<Required<MemoryLogOptions>>(
      'memoryLog',
      {
        runtime: optional(having<Runtime>('scheduler', 'macrotask'), systemRuntime()),
        maxRecords: optional(integer({ min: 1, max: Infinity }), 65_536),
        dedupWindowMs: optional(number({ min: 0, max: MAX_TIMER_MS }), 120_000),
      },
      options,
    ),
  )
}

class MemoryLog implements MessageLog {
  readonly name = 'memory'
  readonly status$: Observable<BrokerStatus>
  readonly open$: Observable<never>
  private readonly options: Required<MemoryLogOptions>
  /** By sequence, the oldest first. */
  private readonly records: Map<number, StoredRecord>
  /** Sequence and time by id, the oldest first. */
  private readonly known: Map<string, StoredRecord>
  /** Those that are attached, and those that have a name. */
  private readonly consumers: Map<string, MemoryConsumer>
  private last: number
  private ephemeral: number

  constructor(options: Required<MemoryLogOptions>) {
    this.status$ = concat(of({ state: 'connected', server: 'memory' } as const), NEVER)
    this.open$ = NEVER
    this.options = options
    this.records = new Map()
    this.known = new Map()
    this.consumers = new Map()
    this.last = 0
    this.ephemeral = 0
  }

  append(record: LogRecord): Observable<Appended> {
    return new Observable(subscriber => {
      const appended = this.add(record)
      this.options.runtime.macrotask(() => {
        subscriber.next(appended)
        subscriber.complete()
      })
    })
  }

  consume(options: ConsumerOptions): Observable<LogConsumer> {
    return new Observable(subscriber => {
      const name = options.queue === undefined ? `#${++this.ephemeral}` : `${options.queue} ${options.topic}`
      const consumer = this.consumers.get(name) ?? this.newConsumer(options)
      this.consumers.set(name, consumer)
      subscriber.add(consumer.attach(options.mode, attached => subscriber.next(attached)))
      if (options.queue === undefined) subscriber.add(() => this.consumers.delete(name))
    })
  }

  read(topic: string): Observable<StoredRecord> {
    return new Observable(subscriber => {
      const matches = topicMatcher(topic)
      const found = [...this.records.values()].filter(record => matches(record.topic))
      this.options.runtime.macrotask(() => of(...found).subscribe(subscriber))
    })
  }

  remove(sequences: readonly number[]): Observable<never> {
    return new Observable(subscriber => {
      for (const sequence of sequences) this.records.delete(sequence)
      this.options.runtime.macrotask(() => EMPTY.subscribe(subscriber))
    })
  }

  private add(record: LogRecord): Appended {
    const { runtime, maxRecords, dedupWindowMs } = this.options
    const now = runtime.scheduler.now()
    for (const [id, { appendedAt }] of this.known) {
      if (appendedAt + dedupWindowMs > now && this.known.size < maxRecords) break
      this.known.delete(id)
    }
    const before = this.known.get(record.id)
    if (before !== undefined) return { sequence: before.sequence, duplicate: true }
    const stored = { ...record, sequence: ++this.last, appendedAt: now }
    this.records.set(stored.sequence, stored)
    this.known.set(record.id, stored)
    if (this.records.size > maxRecords) {
      const [oldest] = this.records.keys()
      if (oldest !== undefined) this.records.delete(oldest)
    }
    for (const consumer of this.consumers.values()) consumer.wake()
    return { sequence: stored.sequence, duplicate: false }
  }

  private newConsumer(options: ConsumerOptions): MemoryConsumer {
    const position: Position = {
      matches: topicMatcher(options.topic),
      records: this.records,
      last: () => this.last,
      runtime: this.options.runtime,
    }
    return new MemoryConsumer(position, options)
  }
}
