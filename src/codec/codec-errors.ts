import { RpcError } from '../core/index.js'
import type { CodecLimits } from './codec.js'

/** A value that the codec cannot keep; `where` is its path, `what` says what was found there. */
export function notEncodable(codec: string, where: string, what: string, cause?: unknown): RpcError {
  return new RpcError('INVALID_ARGUMENT', `${codec} cannot encode ${where}: ${what}`, {
    reason: 'not_encodable',
    cause,
  })
}

/** Bytes that are not what the codec writes; `what` says what is wrong and where. */
export function notDecodable(codec: string, what: string, cause?: unknown): RpcError {
  return new RpcError('INVALID_ARGUMENT', `${codec} cannot decode: ${what}`, { reason: 'not_decodable', cause })
}

/** A value of more bytes than `maxBytes`. */
export function tooLarge(codec: string, { maxBytes }: CodecLimits, bytes: number): RpcError {
  return exhausted('too_large', `${codec} value of ${bytes} bytes or more, at most ${maxBytes} (maxBytes)`)
}

/** A value nested deeper than `maxDepth`; `where` is where the limit was met. */
export function tooDeep(codec: string, { maxDepth }: CodecLimits, where: string): RpcError {
  return exhausted('too_deep', `${codec} value nested deeper than ${maxDepth} (maxDepth) at ${where}`)
}

/** A value of more elements and fields than `maxItems`. */
export function tooManyItems(codec: string, { maxItems }: CodecLimits): RpcError {
  return exhausted('too_many_items', `${codec} value of more than ${maxItems} elements and fields (maxItems)`)
}

function exhausted(reason: string, message: string): RpcError {
  return new RpcError('RESOURCE_EXHAUSTED', message, { reason })
}
