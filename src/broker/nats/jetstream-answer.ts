import { RpcError } from '../../core/index.js'
import type { NatsMessage } from '../../transport/nats/index.js'
import { jetStreamError } from './jetstream-errors.js'

/** An object of JSON, of which nothing is known. */
export type Json = { readonly [name: string]: unknown }

const decoder = new TextDecoder()
const encoder = new TextEncoder()

/** The bytes of a question. */
export function question(value: object): Uint8Array {
  return encoder.encode(JSON.stringify(value))
}

/**
 * Reads the answer to what was done. Throws the error that it holds; UNAVAILABLE (reason `broker_unavailable`) when it is
 * no JSON object, for then it does not come from JetStream.
 */
export function answerTo(what: string, { data }: NatsMessage): Json {
  let answer: unknown
  try {
    answer = JSON.parse(decoder.decode(data))
  } catch (cause) {
    throw new RpcError('UNAVAILABLE', `${what}: the answer is no JSON`, { reason: 'broker_unavailable', cause })
  }
  const object = objectOf(answer)
  const { error } = object
  if (error === undefined) return object
  const { code, err_code: errCode, description } = objectOf(error)
  throw jetStreamError(what, {
    code: numberOf(code),
    errCode: numberOf(errCode),
    description: typeof description === 'string' ? description : 'without a reason',
  })
}

/** A value as an object; an empty one when it is none. */
export function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {}
}

/** A value as a number; 0 when it is none. */
export function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0
}
