import { RpcError } from '../core/index.js'
import type { Kind, Route } from '../protocol/index.js'

/**
 * Endpoints by name. The constraint names no more than the kind: a wider one would take part in inference and turn the
 * types of an argument-less `unary()` into `any`.
 */
export type Endpoints = { readonly [name: string]: { readonly kind: Kind } }

/** Names that a stub has itself; `then` would make it a promise to `await`. */
export type ReservedName = 'with' | 'then' | 'either' | 'promise'

/** What a service offers: the one thing that its callers and its handlers share. */
export interface Contract<E extends Endpoints> {
  /** Name, and name of the service unless that says otherwise. */
  readonly name: string
  /** Version, told with each call and registered with each node. */
  readonly version: string
  /** The endpoints by name. */
  readonly endpoints: E
  /** The route of each endpoint, made once: engines intern them by identity. */
  readonly routes: { readonly [K in keyof E]: Route }
}

/** Options of {@link contract}. */
export interface ContractOptions {
  /** Version of the contract: letters, digits, `.`, `+`, `_`, `-`, at most 64. @default '0.0.0' */
  readonly version?: string
}

const RESERVED: ReadonlySet<string> = new Set<ReservedName>(['with', 'then', 'either', 'promise'])
const KINDS: ReadonlySet<string> = new Set<Kind>(['unary', 'serverStream', 'clientStream', 'duplex', 'tell'])
// Labels leave room for the id that makes a node's name of it within the 63 bytes of a DNS label.
const NAME = /^(?=.{1,128}$)[A-Za-z0-9][A-Za-z0-9_-]{0,49}(?:\.[A-Za-z0-9_-]{1,50})*$/
const VERSION = /^[A-Za-z0-9.+_-]{1,64}$/
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]{0,127}$/u

/**
 * Declares a contract.
 *
 * - `name`: dot-separated labels of letters, digits, `_` and `-`, 50 characters a label, 128 in all.
 * - Endpoints are named by identifiers of at most 128 characters; `with`, `then`, `either` and `promise` are taken. There
 *   may be none, for an actor that only has topics.
 *
 * Throws INVALID_ARGUMENT (reason `invalid_contract`) that lists every fault.
 */
export function contract<const E extends Endpoints>(
  name: string,
  endpoints: E & { readonly [R in ReservedName]?: never },
  options: ContractOptions = {},
): Contract<E> {
  const { version = '0.0.0' } = options
  const faults = faultsOf(name, endpoints, version)
  if (faults.length > 0) {
    throw new RpcError('INVALID_ARGUMENT', `contract ${JSON.stringify(name)}: ${faults.join('; ')}`, {
      reason: 'invalid_contract',
      details: faults,
    })
  }
  const routes: Record<string, Route> = {}
  for (const endpoint of Object.keys(endpoints)) routes[endpoint] = Object.freeze({ contract: name, version, endpoint })
  return Object.freeze({ name, version, endpoints, routes: routes as Contract<E>['routes'] })
}

/** Whether `name` can be the name of a contract or of a service. */
export function isServiceName(name: unknown): name is string {
  return typeof name === 'string' && NAME.test(name)
}

function faultsOf(name: string, endpoints: Endpoints, version: string): string[] {
  const faults: string[] = []
  if (!isServiceName(name)) {
    faults.push('name: expected labels of A-Z a-z 0-9 _ - joined by dots, at most 50 characters each and 128 in all')
  }
  if (typeof version !== 'string' || !VERSION.test(version)) {
    faults.push('version: expected A-Z a-z 0-9 . + _ -, at most 64 characters')
  }
  for (const endpoint of Object.keys(endpoints)) {
    if (RESERVED.has(endpoint)) faults.push(`endpoint ${endpoint}: the name is taken by the stub`)
    else if (!IDENTIFIER.test(endpoint)) {
      faults.push(`endpoint ${JSON.stringify(endpoint)}: expected an identifier, at most 128 characters`)
    }
    const kind: unknown = (endpoints[endpoint] as Partial<Endpoints[string]> | undefined)?.kind
    if (typeof kind !== 'string' || !KINDS.has(kind)) {
      faults.push(`endpoint ${endpoint}: expected unary(), serverStream(), clientStream(), duplex() or tell()`)
    }
  }
  return faults
}
