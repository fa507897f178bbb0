import * as E from 'fp-ts/lib/Either.js'
import { catchError, lastValueFrom, map, Observable, of, type Subscriber, type TeardownLogic } from 'rxjs'
import {
  consoleLog,
  fn,
  having,
  messageOf,
  optional,
  resolveOptions,
  RpcError,
  systemRuntime,
  type Log,
  type Message,
  type Runtime,
} from '../core/index.js'
import type { Call, Kind, Peer, Route } from '../protocol/index.js'
import { BodyObserver } from './body-observer.js'
import { earliest, noDefaults, withContext, withOptions, type CallDefaults, type CallOptions } from './call-options.js'
import type { Context } from './context.js'
import type { Contract, Endpoints } from './contract.js'
import { enforceDeadlines } from './enforce-deadlines.js'
import { lazyMethods, type MakeMethod } from './lazy-methods.js'
import { requestsOf } from './requests.js'
import type { Stub } from './stub.js'

/** Options of {@link createStub}. */
export interface StubOptions {
  /** Time and chance. @default systemRuntime() */
  readonly runtime?: Runtime
  /** Where ids of errors that the server has logged are logged too. @default consoleLog */
  readonly log?: Log
}

type AnyMethod = (input: unknown) => Observable<unknown>

/** What every stub derived from one has in common. */
interface Shared {
  readonly contract: Contract<Endpoints>
  readonly peer: Peer
  readonly runtime: Runtime
  readonly log: Log
  /** Makes a stub: methods by endpoint, and the three names that every stub has, each made when it is first read. */
  readonly stub: (make: MakeMethod) => object
  /** Makes the face of a stub that has every endpoint. */
  readonly all: (make: MakeMethod) => object
  /** Makes the face of a stub that has the endpoints without streams of replies. */
  readonly single: (make: MakeMethod) => object
}

/**
 * A typed stub over any peer: a connection, a server in the same process, a test double. Clients make theirs with it.
 *
 * Each call ends: with its replies, with an `RpcError`, or cancelled by unsubscribing. Deadlines are enforced here.
 */
export function createStub<E extends Endpoints>(contract: Contract<E>, peer: Peer, options?: StubOptions): Stub<E> {
  const { runtime, log } = resolveOptions<Required<StubOptions>>(
    'createStub',
    { runtime: optional(having<Runtime>('scheduler'), systemRuntime()), log: optional(fn<Log>(), consoleLog) },
    options,
  )
  const names = Object.keys(contract.endpoints)
  const shared: Shared = {
    contract,
    peer: enforceDeadlines(runtime)(peer),
    runtime,
    log,
    stub: lazyMethods(names, ['with', 'promise', 'either']),
    all: lazyMethods(names),
    single: lazyMethods(names.filter(name => !isStreaming(contract.endpoints[name]?.kind))),
  }
  return stubWith(shared, noDefaults) as Stub<E>
}

function stubWith(shared: Shared, defaults: CallDefaults): object {
  const stub = shared.stub(name => {
    if (name === 'with') {
      return (options: CallOptions | Context) =>
        stubWith(shared, isContext(options) ? withContext(defaults, options) : withOptions(defaults, options))
    }
    if (name === 'promise') return shared.single(endpoint => promised(stub[endpoint] as AnyMethod))
    if (name === 'either') return shared.all(endpoint => eithered(stub[endpoint] as AnyMethod))
    return methodOf(shared, name, defaults)
  }) as Record<string, AnyMethod>
  return stub
}

function methodOf(shared: Shared, name: string, defaults: CallDefaults): AnyMethod {
  const { contract } = shared
  const { kind } = contract.endpoints[name] as Endpoints[string]
  const route = contract.routes[name] as Route
  const { header, key } = defaults
  if (kind === 'clientStream' || kind === 'duplex') {
    const endpoint = `${contract.name}.${name}`
    return given => {
      const messages: Observable<Message> = requestsOf(given, endpoint).pipe(map(messageOf))
      return new Observable(subscriber => {
        const deadline = deadlineOf(shared, defaults)
        return start(shared, defaults, subscriber, { kind, route, header, deadline, key, messages })
      })
    }
  }
  return body =>
    new Observable(subscriber =>
      start(shared, defaults, subscriber, { kind, route, header, deadline: deadlineOf(shared, defaults), key, body }),
    )
}

function start(shared: Shared, defaults: CallDefaults, subscriber: Subscriber<unknown>, call: Call): TeardownLogic {
  const { kind, route } = call
  if (defaults.signal !== undefined && !cancelWith(defaults.signal, subscriber, call)) return undefined
  return new BodyObserver(subscriber, shared.log, route, isStreaming(kind)).start(shared.peer, call)
}

/** Fails the call when the signal aborts. False when it has already. */
function cancelWith(signal: AbortSignal, subscriber: Subscriber<unknown>, { route }: Call): boolean {
  const abort = (): void => {
    const cancelled = `${route.contract}.${route.endpoint} was cancelled`
    const reason: unknown = signal.reason
    subscriber.error(RpcError.is(reason) ? reason : new RpcError('CANCELLED', cancelled, { cause: reason }))
  }
  if (signal.aborted) {
    abort()
    return false
  }
  signal.addEventListener('abort', abort)
  subscriber.add(() => signal.removeEventListener('abort', abort))
  return true
}

function deadlineOf({ runtime }: Shared, { deadlineMs, notAfter }: CallDefaults): number | undefined {
  if (deadlineMs === undefined) return notAfter
  return earliest(runtime.scheduler.now() + deadlineMs, notAfter)
}

function promised(method: AnyMethod): (input: unknown) => Promise<unknown> {
  return input => lastValueFrom(method(input), { defaultValue: undefined })
}

function eithered(method: AnyMethod): AnyMethod {
  return input =>
    method(input).pipe(
      map(E.right),
      catchError((error: RpcError) => of(E.left(error))),
    )
}

function isStreaming(kind: Kind | undefined): boolean {
  return kind === 'serverStream' || kind === 'duplex'
}

function isContext(options: CallOptions | Context): options is Context {
  return 'remainingMs' in options
}
