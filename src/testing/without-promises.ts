import type { Actor } from '../actors/index.js'
import { RpcError } from '../core/index.js'
import type { Expectations } from './expectations.js'

/**
 * An actor whose handlers must not give promises: in virtual time these never settle. A handler that does fails its call,
 * and the spec says which.
 */
export function withoutPromises({ contract, behaviour }: Actor, expectations: Expectations): Actor {
  let found: string | undefined
  expectations.expectFirst('promise_in_marbles', () => found)
  const handlers = Object.keys(contract.endpoints).map(endpoint => {
    const handler = behaviour[endpoint] as (input: unknown, context: unknown) => unknown
    const checked = (input: unknown, context: unknown): unknown => {
      const result = handler.call(behaviour, input, context)
      if (!isPromise(result)) return result
      found ??=
        `${contract.name}.${endpoint} gives a promise, which does not settle in virtual time: ` +
        'give an Observable here, or run the service in a simulation, where promises settle'
      throw new RpcError('FAILED_PRECONDITION', found, { reason: 'promise_in_marbles' })
    }
    return [endpoint, checked] as const
  })
  return { contract, behaviour: Object.fromEntries(handlers) as Actor['behaviour'] }
}

function isPromise(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'then' in result && typeof result.then === 'function'
}
