import { RpcError, retrySafely, type Code } from '../../core/index.js'
import { ErrorCode, FrameType } from './frame.js'
import type { FrameSender } from './frame-sender.js'

/** Most bytes of an error on the wire; causes and details are left out of a longer one. */
export const MAX_ERROR_BYTES = 16_384

const utf8 = new TextEncoder()
const fromUtf8 = new TextDecoder()

/** Sends an ERROR frame on a stream that has ended, or with id 0 on the connection. */
export function sendErrorFrame(sender: FrameSender, streamId: number, code: number, error: RpcError): void {
  try {
    sender.send(streamId, FrameType.ERROR, 0, code, undefined, errorData(error))
  } catch {
    sender.send(streamId, FrameType.ERROR, 0, code, undefined, undefined) // over the limit of the transport
  }
}

/** Sends `error`, whatever it is, on a stream that has ended. */
export function sendError(sender: FrameSender, streamId: number, error: unknown): void {
  const rpcError = RpcError.from(error, 'INTERNAL')
  sendErrorFrame(sender, streamId, errorCodeOf(rpcError), rpcError)
}

/** The RSocket code that tells a foreign peer the most about `error`. */
function errorCodeOf(error: RpcError): number {
  if (error.retry.safe) return ErrorCode.REJECTED
  if (error.code === 'CANCELLED') return ErrorCode.CANCELED
  if (error.code === 'INVALID_ARGUMENT' || error.code === 'UNIMPLEMENTED') return ErrorCode.INVALID
  return ErrorCode.APPLICATION_ERROR
}

/** The data of an ERROR frame: the plain form of the error as JSON, which any peer shows as text. */
function errorData(error: RpcError): Uint8Array {
  const whole = jsonBytes(error)
  if (whole !== undefined && whole.length <= MAX_ERROR_BYTES) return whole
  const { code, reason, retry } = error
  const message = `${error.rawMessage.slice(0, 2048)} (cause and details left out, too large or not JSON)`
  return utf8.encode(JSON.stringify({ code, reason: reason.slice(0, 128), message, retry }))
}

/** Reads the data of an ERROR frame; a foreign peer's text becomes the message. */
export function readError(code: number, bytes: Uint8Array, start: number, end: number): RpcError {
  const text = fromUtf8.decode(bytes.subarray(start, Math.min(end, start + MAX_ERROR_BYTES)))
  return ownError(text) ?? foreignError(code, text)
}

function jsonBytes(error: RpcError): Uint8Array | undefined {
  try {
    return utf8.encode(JSON.stringify(error.toJSON()))
  } catch {
    return undefined // details that are no JSON after all
  }
}

function ownError(text: string): RpcError | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    return RpcError.fromJSON(JSON.parse(text))
  } catch {
    return undefined // a foreign text that begins with a brace
  }
}

function foreignError(code: number, text: string): RpcError {
  const message = text === '' ? `the peer answered with RSocket error 0x${code.toString(16)}` : text
  const details = { rsocketCode: code }
  if (code === ErrorCode.REJECTED)
    return new RpcError('UNAVAILABLE', message, { reason: 'rejected', retry: retrySafely, details })
  return new RpcError(foreignCodes.get(code) ?? 'UNKNOWN', message, { reason: 'rsocket_error', details })
}

const foreignCodes: ReadonlyMap<number, Code> = new Map<number, Code>([
  [ErrorCode.INVALID_SETUP, 'FAILED_PRECONDITION'],
  [ErrorCode.UNSUPPORTED_SETUP, 'FAILED_PRECONDITION'],
  [ErrorCode.REJECTED_SETUP, 'PERMISSION_DENIED'],
  [ErrorCode.CONNECTION_ERROR, 'UNAVAILABLE'],
  [ErrorCode.CANCELED, 'CANCELLED'],
  [ErrorCode.INVALID, 'INVALID_ARGUMENT'],
])
