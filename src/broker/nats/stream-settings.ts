import type { Json } from './jetstream-answer.js'

/** How a stream is set up. What is left out is as the server has it. */
export interface StreamSettings {
  /** Its name. */
  readonly name: string
  /** Topics that it keeps, which may have wildcards. */
  readonly subjects: readonly string[]
  /** Where messages are kept. */
  readonly storage?: 'file' | 'memory'
  /** On how many servers. */
  readonly replicas?: number
  /** For how long, ms; 0 for ever. */
  readonly maxAgeMs?: number
  /** Most bytes; -1 for no limit. */
  readonly maxBytes?: number
  /** Most messages; -1 for no limit. */
  readonly maxMessages?: number
  /** What goes when it is full: the oldest, or the one that is to be published. */
  readonly discard?: 'old' | 'new'
  /** For how long a message is known by its id, ms. */
  readonly dedupWindowMs?: number
}

const NS_PER_MS = 1_000_000

/** The settings as JetStream writes them. */
export function streamConfig(settings: StreamSettings): Json {
  const { name, subjects, storage, replicas, maxAgeMs, maxBytes, maxMessages, discard, dedupWindowMs } = settings
  return withoutUndefined({
    name,
    subjects,
    retention: 'limits',
    storage,
    num_replicas: replicas,
    max_age: nanoseconds(maxAgeMs),
    max_bytes: maxBytes,
    max_msgs: maxMessages,
    discard,
    duplicate_window: nanoseconds(dedupWindowMs),
  })
}

/** What is there and not as it is wanted, in words; of what is wanted, not of all that there is. */
export function differences(wanted: Json, found: Json): readonly string[] {
  return Object.keys(wanted)
    .filter(name => JSON.stringify(sorted(wanted[name])) !== JSON.stringify(sorted(found[name])))
    .map(name => `${name} is ${show(found[name])}, wanted is ${show(wanted[name])}`)
}

/** Milliseconds as JetStream counts time. */
export function nanoseconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * NS_PER_MS)
}

/** An object without the fields that are undefined. */
export function withoutUndefined(object: Json): Json {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))
}

function sorted(value: unknown): unknown {
  return Array.isArray(value) ? value.map(String).toSorted((left, right) => (left < right ? -1 : 1)) : value
}

function show(value: unknown): string {
  return value === undefined ? 'not set' : JSON.stringify(value)
}
