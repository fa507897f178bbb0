import { RpcError } from '../core/index.js'
import type { Marble, SubscriptionLog } from './virtual-time.js'

/** A line of a diagram. */
export interface ExecutedLane {
  /** What happened, by virtual time. */
  readonly marbles: readonly Marble[]
  /** When it was subscribed; none when nobody did. */
  readonly windows: readonly SubscriptionLog[]
}

/** A source of an executed spec, or something expected of it. */
export interface ExecutedStream {
  /** The member of the kit that made it: `cold`, `expectObservable`. What is expected begins with `expect`. */
  readonly kind: string
  /** What it is called in a diagram. @default as its author calls it in the spec */
  readonly name?: string
  /** One for each subscription of a cold source, otherwise one. */
  readonly lanes: readonly ExecutedLane[]
  /** What letters stand for, as text; only those that do not stand for themselves. */
  readonly values: Readonly<Record<string, string>>
  /** When items were consumed: their letters, in upper case if let go of with an error. Only deliveries have it. */
  readonly credits?: readonly (readonly [frame: number, letter: string])[]
}

/** What a spec had, told when all that was expected has been met. */
export interface ExecutedSpec {
  /** In the order in which they were written, each with the stack trace of where. */
  readonly streams: readonly (ExecutedStream & { readonly stack: string })[]
}

/** Collects what a spec has for whoever draws it. */
export interface SpecRecorder {
  /** Adds a stream that is asked for at the end of the spec. Its stack trace is that of this call. */
  add(stream: () => ExecutedStream | undefined): void
  /** Tells what the spec had. */
  tell(): void
}

/** Where whoever draws specs puts a function that takes an {@link ExecutedSpec}. Copies of the kit share it. */
const OBSERVER: unique symbol = Symbol.for('millrace.executed-spec.1')

/** A recorder, if there is somebody to draw the spec: without one, a spec pays nothing. */
export function specRecorder(): SpecRecorder | undefined {
  const observe = (globalThis as { [OBSERVER]?: (spec: ExecutedSpec) => void })[OBSERVER]
  if (observe === undefined) return undefined
  const written: { readonly stream: () => ExecutedStream | undefined; readonly stack: string }[] = []
  return {
    add(stream) {
      const { stack = '' } = new RpcError('INTERNAL', 'written here')
      written.push({ stream, stack })
    },
    tell() {
      const streams = written.flatMap(({ stream, stack }) => {
        const executed = stream()
        return executed === undefined ? [] : [{ ...executed, stack }]
      })
      observe({ streams })
    },
  }
}
