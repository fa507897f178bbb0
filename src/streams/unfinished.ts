import { RpcError } from '../core/index.js'

/** The reason with which an operator lets go of deliveries that it was still working on when it was unsubscribed. */
export function unfinished(owner: string): RpcError {
  return new RpcError('CANCELLED', `${owner}: unsubscribed before the work for this value was done`, {
    reason: 'unfinished',
  })
}
