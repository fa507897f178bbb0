import { RpcError } from '../../core/index.js'

/** Longest name of a queue group as it is sent; with its topic it has to fit into a line of 4096 bytes. */
const MAX_LENGTH = 1024

/**
 * The name of a queue group as NATS takes it: spaces, which would end it, and the like are written `%20`.
 * Throws INVALID_ARGUMENT (reason `invalid_options`) when it is too long, or half a character.
 */
export function queueName(queue: string): string {
  if (/^[\w.-]{1,255}$/.test(queue)) return queue
  const name = queue.isWellFormed() ? encodeURIComponent(queue) : ''
  if (name !== '' && name.length <= MAX_LENGTH) return name
  const message = `subscribe: queue: expected a name of at most ${MAX_LENGTH} characters, escapes included`
  throw new RpcError('INVALID_ARGUMENT', message, { reason: 'invalid_options' })
}
