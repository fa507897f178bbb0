import type { Either } from 'fp-ts/lib/Either.js'
import type { Observable, ObservableInput } from 'rxjs'
import type { RpcError } from '../core/index.js'
import type { CallOptions } from './call-options.js'
import type { Context } from './context.js'
import type { Endpoints } from './contract.js'
import type { EndpointDefinition } from './endpoint.js'

/**
 * A stream of requests: an Observable, or what can be iterated, which is asked for its next item when there is room to
 * send it. Strings are refused, although they can be iterated.
 */
export type Requests<A> = ObservableInput<A> & object

interface MethodByKind<A, B> {
  readonly unary: (request: A) => Observable<B>
  readonly serverStream: (request: A) => Observable<B>
  readonly clientStream: (requests: Requests<A>) => Observable<B>
  readonly duplex: (requests: Requests<A>) => Observable<B>
  readonly tell: (request: A) => Observable<never>
}

interface PromiseMethodByKind<A, B> {
  readonly unary: (request: A) => Promise<B>
  readonly serverStream: never
  readonly clientStream: (requests: Requests<A>) => Promise<B>
  readonly duplex: never
  readonly tell: (request: A) => Promise<void>
}

/**
 * Calls an endpoint. The result is cold: each subscription is one call, and unsubscribing cancels it. It takes one
 * argument, so that it fits `mergeMap`, `pacedMap` (single requests) and `pipe` (streams of requests) as it stands.
 */
export type Method<D> =
  D extends EndpointDefinition<infer K, infer A, unknown, unknown, infer B> ? MethodByKind<A, B>[K] : never

/** Calls an endpoint with one reply at once, subscribed or not. */
export type PromiseMethod<D> =
  D extends EndpointDefinition<infer K, infer A, unknown, unknown, infer B> ? PromiseMethodByKind<A, B>[K] : never

/** Calls an endpoint; an error arrives as a last value, Left, and the result completes. */
export type EitherMethod<D> =
  Method<D> extends (input: infer A) => Observable<infer B> ? (input: A) => Observable<Either<RpcError, B>> : never

type StreamingNames<E extends Endpoints> = {
  [K in keyof E]: E[K]['kind'] extends 'serverStream' | 'duplex' ? K : never
}[keyof E]

/** The endpoints of a contract as methods. */
export type Stub<E extends Endpoints> = { readonly [K in keyof E]: Method<E[K]> } & {
  /** The same stub whose calls have these options too. */
  with(options: CallOptions): Stub<E>
  /** The same stub for calls made while answering one: hands on deadline, trace and cancellation. */
  with(context: Context): Stub<E>
  /** The endpoints with one reply, or none, as methods that start at once and give a promise. */
  readonly promise: { readonly [K in Exclude<keyof E, StreamingNames<E>>]: PromiseMethod<E[K]> }
  /** The endpoints as methods that give errors as values. */
  readonly either: { readonly [K in keyof E]: EitherMethod<E[K]> }
}
