/** Broker that a party uses. */
export type Engine = 'nats' | 'jetstream'

/** What every party of a scenario knows. */
export interface Party {
  /** Which broker. */
  readonly engine: Engine
  /** Where the servers are. */
  readonly servers: readonly string[]
  /** On how many of them messages are kept, where they are. @default 1 */
  readonly replicas?: number
}

/** A process that publishes the numbers from 0. */
export interface PublisherParty extends Party {
  /** How many. */
  readonly count: number
  /** Most of them on their way at once. */
  readonly inFlight: number
  /** Bytes of each message beside its number. @default 0 */
  readonly bytes?: number
  /** Among how many keys they are dealt. @default none has a key */
  readonly keys?: number
  /** How many leave in a second. @default as many as can */
  readonly perSecond?: number
}

/** A process that is subscribed. */
export interface SubscriberParty extends Party {
  /** Its queue group. @default none */
  readonly queue?: string
  /** Most messages in hand. */
  readonly window: number
  /** Whether messages of one key are processed one after the other. @default false */
  readonly ordered?: boolean
  /** How long it works on a message, on average, ms. */
  readonly workMs: number | 'for ever'
  /** The number that it always fails on. @default none */
  readonly poison?: number
  /** Time after which the messages of a process that died come again, ms. */
  readonly ackWaitMs: number
  /** What a subscriber to core NATS loses. @default nothing: its subscription fails */
  readonly overflow?: 'dropOldest'
  /** Most bytes that wait for a subscriber to core NATS. @default as the broker has it */
  readonly maxPendingBytes?: number
}

/** One thing that a party has seen. */
export interface Told {
  /** When, ms since 1970. */
  readonly at: number
  /** The number that the broker has confirmed. */
  readonly confirmed?: number
  /** The number that could not be published. */
  readonly refused?: number
  /** Why it could not, or why the subscription ended. */
  readonly reason?: string
  /** Whether it is certain that nobody gets what was refused. */
  readonly isSafe?: boolean
  /** The number that was processed. */
  readonly done?: number
  /** The number that failed. */
  readonly failed?: number
  /** Number of its message in the log, where there is one. */
  readonly sequence?: number
  /** The attempt at that, from 1. */
  readonly attempt?: number
  /** How long ago it was published, ms. */
  readonly ageMs?: number
  /** The state of the way to the broker. */
  readonly state?: string
  /** That the server has the subscription. */
  readonly ready?: true
  /** That the subscription has ended, which it should not. */
  readonly ended?: true
  /** Memory of the process, bytes. */
  readonly memory?: number
}

/** Numbers are published here. */
export const TOPIC = 'faults.numbers'
