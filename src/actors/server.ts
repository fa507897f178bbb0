import { catchError, defer, throwError, Observable, type Subscriber } from 'rxjs'
import {
  bool,
  consoleLog,
  fn,
  having,
  limitedLog,
  listOf,
  optional,
  resolveOptions,
  retrySafely,
  RpcError,
  systemRuntime,
  text,
  type Log,
  type Message,
  type Runtime,
} from '../core/index.js'
import { intercept, type Call, type Interceptor, type Kind, type Peer, type Route } from '../protocol/index.js'
import { stalledTo } from '../streams/index.js'
import type { Actor } from './actor.js'
import type { EndpointDefinition } from './endpoint.js'
import { faults, hopOf, type FaultOptions, type Faults } from './faults.js'
import { manyReplies } from './many-replies.js'
import { noReply } from './no-reply.js'
import { oneReply } from './one-reply.js'
import type { Answer, ServedEndpoint } from './running-call.js'
import { schemaCheck, type Refusal } from './schema-check.js'

/** Options of {@link createServer}. */
export interface ServerOptions {
  /** What answers calls: at least one actor, each of another contract. */
  readonly actors: readonly Actor[]
  /** Wrapped around every call, the first outermost. @default none */
  readonly interceptors?: readonly Interceptor[]
  /** Time and chance. @default systemRuntime() */
  readonly runtime?: Runtime
  /** Where handlers that failed are logged. @default consoleLog */
  readonly log?: Log
  /** Name of the service in the hops of errors. @default the name of the contract */
  readonly name?: string
  /** Id of this process in the hops of errors, behind the name of the service and a dash. @default none is told */
  readonly node?: string
  /** Callers see what a handler threw, as cause: for development, for it may tell secrets. @default false */
  readonly exposeCauses?: boolean
}

interface ResolvedServerOptions extends Required<Omit<ServerOptions, 'name' | 'node'>> {
  readonly name: string | undefined
  readonly node: string | undefined
}

interface Answering {
  readonly kind: Kind
  readonly answer: Answer
}

/**
 * A peer that answers calls with actors: what a protocol serves, and what a stub can call in the same process.
 *
 * 1. A contract or endpoint that is not served is UNIMPLEMENTED (reason `unknown_endpoint`) and names those that are;
 *    one of another kind than the call is UNIMPLEMENTED (reason `wrong_kind`). Both are safe to try elsewhere.
 * 2. A call whose deadline has passed is DEADLINE_EXCEEDED (reason `expired_in_queue`); its handler does not run.
 * 3. A request that its schema refuses is INVALID_ARGUMENT (reason `invalid_request`) with the path of each refused
 *    part; in a stream of requests the error reaches the handler's requests, where it can be handled. A reply that
 *    its schema refuses is INTERNAL (reason `invalid_reply`). Each value is checked once, here.
 * 4. What a handler throws, rejects or fails with passes when it is an `RpcError`, with this server added to its hops;
 *    anything else is INTERNAL (reason `handler_failed`), and only the log knows more than the id in its details.
 * 5. A handler that does not keep to its kind is INTERNAL (reason `not_exactly_one` or `not_a_stream`).
 * 6. Unsubscribing tears the handler down in the same turn: its Observable, its iterator, its `context.signal`.
 *
 * Throws INVALID_ARGUMENT (reason `invalid_options`, or `duplicate_contract` for two actors of one contract).
 */
export function createServer(options: ServerOptions): Peer {
  const resolved = resolveOptions<ResolvedServerOptions>(
    'createServer',
    {
      actors: listOf(having<Actor>('contract', 'behaviour', 'topics')),
      interceptors: optional(listOf(fn<Interceptor>()), []),
      runtime: optional(having<Runtime>('scheduler'), systemRuntime()),
      log: optional(fn<Log>(), consoleLog),
      name: optional(text),
      node: optional(text),
      exposeCauses: optional(bool, false),
    },
    options,
  )
  if (resolved.actors.length === 0) {
    throw new RpcError('INVALID_ARGUMENT', 'createServer: actors: expected at least one', { reason: 'invalid_options' })
  }
  const peer = new ServerPeer({ ...resolved, log: limitedLog(resolved.log, resolved.runtime) })
  if (resolved.interceptors.length === 0) return peer
  return guarded(intercept(peer, resolved.interceptors), call => peer.faultsOf(call))
}

/** Interceptors are as free to throw as handlers are: what leaves the server is an `RpcError` all the same. */
function guarded(peer: Peer, faultsOf: (call: Call) => Faults): Peer {
  return {
    call: call =>
      defer(() => peer.call(call)).pipe(
        catchError((error: unknown) => throwError(() => (RpcError.is(error) ? error : faultsOf(call).passOn(error)))),
      ),
  }
}

class ServerPeer implements Peer {
  private readonly contracts: ReadonlyMap<string, ReadonlyMap<string, Answering>>
  private readonly options: ResolvedServerOptions

  constructor(options: ResolvedServerOptions) {
    const contracts = new Map<string, ReadonlyMap<string, Answering>>()
    for (const actor of options.actors) {
      const { name } = actor.contract
      if (contracts.has(name)) throw duplicateContract(name)
      contracts.set(name, answersOf(actor, faultOptions(options, name)))
    }
    this.contracts = contracts
    this.options = options
  }

  call(call: Call): Observable<Message> {
    return new Observable(subscriber => this.answer(call, subscriber))
  }

  /** Makes errors for the caller of a call that did not come to its endpoint. */
  faultsOf({ route }: Call): Faults {
    return faults(faultOptions(this.options, route.contract), route, false)
  }

  private answer(call: Call, subscriber: Subscriber<Message>): void {
    const { route } = call
    const found = this.contracts.get(route.contract)?.get(route.endpoint)
    if (found === undefined) subscriber.error(this.unknownEndpoint(route))
    else if (!answers(found.kind, call)) subscriber.error(this.wrongKind(route, found.kind, call.kind))
    else found.answer(call, subscriber)
  }

  private unknownEndpoint(route: Route): RpcError {
    const { contract, endpoint } = route
    const endpoints = this.contracts.get(contract)
    const known = [...(endpoints ?? this.contracts).keys()].toSorted()
    const message =
      endpoints === undefined
        ? `no contract ${show(contract)} is served here, known are ${known.join(', ')}`
        : `contract ${contract} has no endpoint ${show(endpoint)} here, known are ${known.join(', ')}`
    return this.unimplemented(route, message, 'unknown_endpoint', known)
  }

  private wrongKind(route: Route, here: Kind, called: Kind): RpcError {
    const message = `${route.contract}.${route.endpoint} is ${here} here and was called as ${called}`
    return this.unimplemented(route, `${message}; the caller has another version of the contract`, 'wrong_kind', [here])
  }

  private unimplemented(route: Route, message: string, reason: string, known: readonly string[]): RpcError {
    const hops = [hopOf(faultOptions(this.options, route.contract), route)]
    return new RpcError('UNIMPLEMENTED', message, { reason, details: { known }, retry: retrySafely, hops })
  }
}

/** Whether an endpoint of a kind is what is called; a foreign caller with a stream of requests may mean either kind. */
function answers(kind: Kind, call: Call): boolean {
  return kind === call.kind || (kind === 'clientStream' && 'anyStream' in call && (call.anyStream ?? false))
}

function faultOptions(options: ResolvedServerOptions, contract: string): FaultOptions {
  const { log, runtime, name: service = contract, node, exposeCauses } = options
  return { log, runtime, service, node: node && `${service}-${node}`, exposeCauses }
}

function answersOf({ contract, behaviour }: Actor, options: FaultOptions): ReadonlyMap<string, Answering> {
  const answers = new Map<string, Answering>()
  for (const [endpoint, route] of Object.entries(contract.routes)) {
    const definition = contract.endpoints[endpoint] as EndpointDefinition<Kind, unknown, unknown, unknown, unknown>
    const name = `${contract.name}.${endpoint}`
    const handler = behaviour[endpoint] as ServedEndpoint['handler']
    const served: ServedEndpoint = {
      name,
      handler: (input, context) => handler.call(behaviour, input, context),
      request: schemaCheck(definition.request, invalidRequest(name)),
      reply: schemaCheck(definition.reply, invalidReply(name)),
      paceByReply: definition.pace === 'reply',
      faults: faults(options, route, definition.idempotent),
      onStalled: stalledTo(options.log),
      runtime: options.runtime,
    }
    answers.set(endpoint, { kind: definition.kind, answer: ANSWERS[definition.kind](served) })
  }
  return answers
}

const ANSWERS: { readonly [K in Kind]: (served: ServedEndpoint) => Answer } = {
  unary: oneReply,
  clientStream: oneReply,
  serverStream: manyReplies,
  duplex: manyReplies,
  tell: noReply,
}

function invalidRequest(name: string): Refusal {
  return (what, details) =>
    new RpcError('INVALID_ARGUMENT', `${name} refuses the request: ${what}`, { reason: 'invalid_request', details })
}

function invalidReply(name: string): Refusal {
  return (what, details) =>
    new RpcError('INTERNAL', `${name} gave a reply that its contract refuses: ${what}`, {
      reason: 'invalid_reply',
      details,
    })
}

function duplicateContract(name: string): RpcError {
  return new RpcError('INVALID_ARGUMENT', `createServer: actors: two of them have the contract ${name}`, {
    reason: 'duplicate_contract',
  })
}

function show(name: string): string {
  return JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name)
}
