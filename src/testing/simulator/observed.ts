import type { Observable } from 'rxjs'
import type { LogRecord } from '../../broker/index.js'
import type { Code } from '../../core/index.js'
import type { Kind, Route } from '../../protocol/index.js'
import type { Instance, Registration, Snapshot } from '../../registry/index.js'
import type { Fault } from './fault.js'

/** How a call, or one run of it at a handler, has ended. `crashed`: its process did not live to see it. */
export type CallEnd = 'completed' | 'cancelled' | 'crashed' | Code

/** One end of a call: what has passed there, and how it ended. Bodies are kept as JSON text. */
export interface CallSide {
  /** Where. */
  readonly process: string
  /** Which life of the process, from 1. */
  readonly life: number
  /** When it began, ms of world time. */
  readonly startedAt: number
  /** The requests that passed. */
  readonly requests: readonly string[]
  /** Whether the stream of requests has completed there. */
  readonly isHalfClosed: boolean
  /** The replies that passed. */
  readonly replies: readonly string[]
  /** When it ended, ms. */
  readonly endedAt: number | undefined
  /** How. */
  readonly end: CallEnd | undefined
}

/** One call, as its caller sees it and as the handlers do that it has reached. */
export interface ObservedCall extends CallSide {
  /** Number of the call in the simulation, from 1. */
  readonly id: number
  /** Which endpoint. */
  readonly route: Route
  /** What kind of call. */
  readonly kind: Kind
  /** The runs at handlers. */
  readonly runs: readonly CallSide[]
}

/** A step of a call. */
export interface CallStep {
  /** The call. */
  readonly call: ObservedCall
  /** The run at a handler; `undefined` for a step at the caller. */
  readonly run: CallSide | undefined
  /** What happened there. */
  readonly step: 'started' | 'request' | 'half-closed' | 'reply' | 'ended'
}

/** A frame that was handed to the network. */
export interface FrameSent {
  /** Number of the connection. */
  readonly connection: number
  /** Which process sent it. */
  readonly from: string
  /** Which process it goes to. */
  readonly to: string
  /** Which way it goes on its connection. */
  readonly toward: 'listener' | 'dialer'
  /** The whole frame; not to be written. */
  readonly bytes: Uint8Array
}

/** What a process has registered, or its view of what is. */
export interface RegistryStep {
  /** The process. */
  readonly process: string
  /** Which life of it, from 1. */
  readonly life: number
  /** The registered instance, or with `gone` the one that is taken back. */
  readonly instance?: Instance
  /** Whether the instance says goodbye. */
  readonly gone?: boolean
  /** What the process has been told of an instance that it registers. */
  readonly registration?: Registration
  /** Number of the watch in the simulation, from 1; `undefined` for a step that is of no watch. */
  readonly watch?: number
  /** The name that is watched; `undefined` for all, or for a step that is of no watch. */
  readonly watching?: string | undefined
  /** The snapshot that the process has been shown. */
  readonly snapshot?: Snapshot
  /** Whether the watch is over. */
  readonly unwatched?: boolean
}

/** A subscription of a process to a durable broker. */
export interface MessageConsumer {
  /** The process. */
  readonly process: string
  /** Which life of it, from 1. */
  readonly life: number
  /** Number of the subscription in that life, from 1. */
  readonly subscription: number
  /** Its queue group. */
  readonly queue: string | undefined
  /** The topic that it is of, with wildcards perhaps. */
  readonly topic: string
  /** Whether messages of one key come one after the other. */
  readonly ordered: boolean
}

/** A message as a consumer has it. */
export interface ConsumedMessage {
  /** Its id. */
  readonly id: string
  /** Its key. */
  readonly key: string | undefined
  /** Its number in the log. */
  readonly sequence: number
  /** 1 for the first delivery. */
  readonly attempt: number
}

/**
 * What happened to messages of durable brokers that processes made through the simulator: `kept` by a log, a queue
 * `group` that is made, which begins at sequence `next`; a consumer that has `joined` or `left`; a message that a consumer
 * has `begun` with, and is `done` with, or has `failed` at. What is acknowledged by hand has no end.
 */
export type MessageStep =
  | {
      readonly step: 'kept'
      readonly log: 'messages' | 'dead'
      readonly record: LogRecord & { readonly sequence: number }
    }
  | { readonly step: 'group'; readonly queue: string; readonly topic: string; readonly next: number }
  | ({ readonly step: 'joined' | 'left' } & MessageConsumer)
  | ({ readonly step: 'begun' | 'done' | 'failed'; readonly message: ConsumedMessage } & MessageConsumer)

/** A process that has started or ended. */
export interface ProcessStep {
  /** Its name. */
  readonly process: string
  /** Which life of it, from 1. */
  readonly life: number
  /** What happened. */
  readonly step: 'started' | 'crashed' | 'vanished' | 'stopping' | 'ended'
}

/** What an {@link Invariant} sees of a simulation. All streams are hot and run within the event that they tell of. */
export interface ObservedWorld {
  /** World time, ms. */
  now(): number
  /** What goes wrong, by plan: all of it, from the first event on. */
  readonly faults: readonly Fault[]
  /** Emits after every event. */
  readonly events$: Observable<void>
  /** Every step of every call that clients and services made through the simulator make. */
  readonly calls$: Observable<CallStep>
  /** Every frame. */
  readonly frames$: Observable<FrameSent>
  /** What is registered and shown. */
  readonly registry$: Observable<RegistryStep>
  /** What happens to messages of durable brokers. */
  readonly messages$: Observable<MessageStep>
  /** Starts and ends of processes. */
  readonly processes$: Observable<ProcessStep>
  /** What the registry holds at this moment. */
  registered(): Snapshot
  /** The same, whenever that has changed. */
  readonly registered$: Observable<Snapshot>
  /** Whether this life of the process runs at this moment. */
  isLive(process: string, life: number): boolean
  /** Emits once, when the time is over and before processes are ended. */
  readonly end$: Observable<void>
}

/**
 * Something that is always true, in a file of its own: an Observable of the sentences that say where it was not.
 * Adding one is all that it takes to have it checked after every event of every run.
 */
export interface Invariant {
  /** What is always true, as a sentence: `every call ends`. */
  readonly name: string
  /** Watches a simulation, and emits what breaks it. It never fails. */
  readonly violations: (world: ObservedWorld) => Observable<string>
}
