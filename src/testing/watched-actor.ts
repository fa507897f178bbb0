import { isObservable, Observable, tap, type Observer } from 'rxjs'
import type { Actor } from '../actors/index.js'
import { paced } from '../streams/index.js'

/** Told of what the handlers of an actor do. */
export interface HandlerObserver {
  /** What reaches a handler: a request, or a stream of requests and its end. */
  readonly arrived: Observer<unknown>
  /** A handler works, until what is given is called. */
  readonly started: () => () => void
  /** Makes the error for a handler of `endpoint` that gave what settles in real time only. */
  readonly gavePromise: (endpoint: string, what: string) => Error
}

type Handler = (input: unknown, context: unknown) => unknown

/** An actor that does what `actor` does, and tells `observer` when its handlers work and what on. */
export function watchedActor({ contract, behaviour, topics }: Actor, observer: HandlerObserver): Actor {
  const handlers = Object.entries(contract.endpoints).map(([endpoint, { kind }]) => {
    const handler = (behaviour[endpoint] as Handler).bind(behaviour)
    const takesStream = kind === 'clientStream' || kind === 'duplex'
    const givesStream = kind === 'serverStream' || kind === 'duplex'
    const watched: Handler = (input, context) => {
      if (!takesStream) observer.arrived.next(input)
      const stop = observer.started()
      try {
        const result = handler(takesStream ? (input as Observable<unknown>).pipe(tap(told(observer))) : input, context)
        const slow = settlesLater(result, givesStream)
        if (slow !== undefined) throw observer.gavePromise(endpoint, slow)
        const work = givesStream && isIterable(result) ? paced(result) : result // as the server would
        if (isObservable(work)) return until(work, stop)
        stop()
        return work
      } catch (error) {
        stop()
        throw error
      }
    }
    return [endpoint, watched] as const
  })
  return { contract, behaviour: Object.fromEntries(handlers) as Actor['behaviour'], topics }
}

/** Only what an observer is told: `tap` would also subscribe a Subject, and unsubscribe it. */
function told({ arrived }: Pick<HandlerObserver, 'arrived'>): Observer<unknown> {
  return {
    next: value => arrived.next(value),
    error: error => arrived.error(error),
    complete: () => arrived.complete(),
  }
}

/** What `result` is, when it cannot settle in virtual time. */
function settlesLater(result: unknown, givesStream: boolean): string | undefined {
  if (typeof result !== 'object' || result === null || isObservable(result)) return undefined
  if ('then' in result && typeof result.then === 'function') {
    result.then(undefined, () => {}) // nobody waits for its rejection
    return 'a promise'
  }
  const isAsync = Symbol.asyncIterator in result || 'getReader' in result
  return givesStream && isAsync && !isIterable(result) ? 'an async iterable' : undefined
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value
}

function until(work: Observable<unknown>, stop: () => void): Observable<unknown> {
  return new Observable(subscriber => {
    subscriber.add(stop)
    return work.subscribe(subscriber)
  })
}
