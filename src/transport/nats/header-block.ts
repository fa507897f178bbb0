import { RpcError } from '../../core/index.js'

/** What must be in a name, and must not be in a value, which arrives without spaces at its ends. */
const NAME = /^[!-9;-~]+$/
const BROKEN = /[\r\n]|^\s|\s$/

const encoder = new TextEncoder()

/**
 * Names and values as they go before a payload. Throws INVALID_ARGUMENT (reason `invalid_header`) for those that would not
 * arrive as they are.
 */
export function headerBlock(entries: readonly (readonly [name: string, value: string])[]): Uint8Array {
  let block = 'NATS/1.0\r\n'
  for (const [name, value] of entries) {
    if (!NAME.test(name) || BROKEN.test(value)) throw invalidHeader(name)
    block += `${name}: ${value}\r\n`
  }
  return encoder.encode(`${block}\r\n`)
}

function invalidHeader(name: string): RpcError {
  const message =
    `header ${JSON.stringify(name)}: NATS carries names of printable ASCII without spaces and colons, ` +
    'and values without line breaks and spaces at their ends'
  return new RpcError('INVALID_ARGUMENT', message, { reason: 'invalid_header' })
}
