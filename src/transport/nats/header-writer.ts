import { RpcError } from '../../core/index.js'

const NAME = /^[!-9;-~]+$/

/** What would end a value early, or be taken off its ends. */
const BROKEN = /[\r\n]|^\s|\s$/

const ASCII = /^[\0-\x7f]*$/

/** Most names that are remembered. */
const MAX_NAMES = 256

/** Writes headers, and remembers which names are good, for they are few and come again with every message. */
export class HeaderWriter {
  private readonly names: Set<string>

  constructor() {
    this.names = new Set()
  }

  /**
   * Names and values as they go before a payload. Throws INVALID_ARGUMENT (reason `invalid_header`) for those that would
   * not arrive as they are.
   */
  write(entries: readonly (readonly [name: string, value: string])[]): Uint8Array {
    let block = 'NATS/1.0\r\n'
    for (const [name, value] of entries) {
      if (!this.isName(name) || BROKEN.test(value)) throw invalidHeader(name)
      block += `${name}: ${value}\r\n`
    }
    // Several times as fast as a TextEncoder, and fastest where each character is a byte.
    return Buffer.from(`${block}\r\n`, ASCII.test(block) ? 'latin1' : 'utf8')
  }

  private isName(name: string): boolean {
    if (this.names.has(name)) return true
    if (!NAME.test(name)) return false
    if (this.names.size < MAX_NAMES) this.names.add(name)
    return true
  }
}

function invalidHeader(name: string): RpcError {
  const message =
    `header ${JSON.stringify(name)}: NATS carries names of printable ASCII without spaces and colons, ` +
    'and values without line breaks and spaces at their ends'
  return new RpcError('INVALID_ARGUMENT', message, { reason: 'invalid_header' })
}
