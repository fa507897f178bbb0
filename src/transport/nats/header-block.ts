import { RpcError } from '../../core/index.js'

const NAME = /^[!-9;-~]+$/

const ASCII = /^[\0-\x7f]*$/

/**
 * Names and values as they go before a payload. Throws INVALID_ARGUMENT (reason `invalid_header`) for those that would not
 * arrive as they are.
 */
export function headerBlock(entries: readonly (readonly [name: string, value: string])[]): Uint8Array {
  let block = 'NATS/1.0\r\n'
  for (const [name, value] of entries) {
    if (!NAME.test(name) || isBroken(value)) throw invalidHeader(name)
    block += `${name}: ${value}\r\n`
  }
  // Several times as fast as a TextEncoder, and fastest where each character is a byte.
  return Buffer.from(`${block}\r\n`, ASCII.test(block) ? 'latin1' : 'utf8')
}

/** Whether a value would end early, or arrive without the spaces at its ends. */
function isBroken(value: string): boolean {
  return value.includes('\n') || value.includes('\r') || value.trim() !== value
}

function invalidHeader(name: string): RpcError {
  const message =
    `header ${JSON.stringify(name)}: NATS carries names of printable ASCII without spaces and colons, ` +
    'and values without line breaks and spaces at their ends'
  return new RpcError('INVALID_ARGUMENT', message, { reason: 'invalid_header' })
}
