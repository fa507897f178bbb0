import type { Observable } from 'rxjs'
import { RpcError } from '../core/index.js'
import type { Context } from './context.js'
import type { Contract, Endpoints } from './contract.js'
import type { EndpointDefinition } from './endpoint.js'
import type { TopicHandler } from './topic-handler.js'

/** What a handler with one reply gives: the value (never iterated), a promise of it, or an Observable of exactly one. */
export type OneResult<B> = B | PromiseLike<B> | Observable<B>

/**
 * What a handler with a stream of replies gives. An iterable is asked for its next item when the last one has been
 * consumed. Strings are refused, although they can be iterated: one reply a letter is never meant.
 */
export type StreamResult<B> = Observable<B> | AsyncIterable<B> | (Iterable<B> & object)

/** What a handler without a reply gives: nothing, or when it is done. */
export type TellResult = void | PromiseLike<void> | Observable<unknown>

interface HandlerByKind<A, B> {
  readonly unary: (request: A, context: Context) => OneResult<B>
  readonly serverStream: (request: A, context: Context) => StreamResult<B>
  readonly clientStream: (requests$: Observable<A>, context: Context) => OneResult<B>
  readonly duplex: (requests$: Observable<A>, context: Context) => StreamResult<B>
  readonly tell: (request: A, context: Context) => TellResult
}

/** The function that answers calls of one endpoint. */
export type Handler<D> =
  D extends EndpointDefinition<infer K, unknown, infer A, infer B, unknown> ? HandlerByKind<A, B>[K] : never

/** A handler for every endpoint of a contract, and no other. */
export type Behaviour<E extends Endpoints> = { readonly [K in keyof E]: Handler<E[K]> }

/** A contract with what answers it, and topics with what handles them. */
export interface Actor {
  /** What it offers. */
  readonly contract: Contract<Endpoints>
  /** Its handlers by endpoint. */
  readonly behaviour: { readonly [endpoint: string]: (input: never, context: Context) => unknown }
  /** What it does about topics. */
  readonly topics: readonly TopicHandler[]
}

/**
 * Joins a contract with the handlers that answer it, and with handlers of topics. Those of endpoints are called as methods
 * of `behaviour`. An actor may have topics only: `actor(contract('audit', {}), {}, on(OrderPlaced, record))`.
 *
 * Throws INVALID_ARGUMENT (reason `invalid_behaviour`) that lists every handler which is missing or too many, and for an
 * actor that has neither endpoints nor topics.
 */
export function actor<E extends Endpoints>(
  contract: Contract<E>,
  behaviour: Behaviour<NoInfer<E>>,
  ...topics: readonly TopicHandler[]
): Actor {
  const handlers = behaviour as Actor['behaviour']
  const missing = Object.keys(contract.endpoints).filter(name => typeof handlers[name] !== 'function')
  const extra = Object.keys(handlers).filter(
    name => typeof handlers[name] === 'function' && !Object.hasOwn(contract.endpoints, name),
  )
  const faults = [
    ...missing.map(name => `no handler for ${name}`),
    ...extra.map(name => `handler ${name} answers no endpoint`),
    ...(topics.length === 0 && Object.keys(contract.endpoints).length === 0 ? ['neither endpoints nor topics'] : []),
  ]
  if (faults.length > 0) {
    throw new RpcError('INVALID_ARGUMENT', `actor ${contract.name}: ${faults.join('; ')}`, {
      reason: 'invalid_behaviour',
      details: faults,
    })
  }
  return { contract, behaviour: handlers, topics }
}
