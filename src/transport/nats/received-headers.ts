import type { MsgHdrs } from 'nats'
import type { Header } from '../../core/index.js'
import type { NatsHeaders } from './nats-link.js'

const FIRST_LINE = 'NATS/1.0\r\n'

/**
 * The `length` bytes in front of `payload` as headers; `undefined` when they are none, or begin with a status. The
 * client's own reading of headers costs more than everything else that it does for a message.
 */
export function headersBefore(payload: Uint8Array, length: number): NatsHeaders | undefined {
  if (length < FIRST_LINE.length || length > payload.byteOffset) return undefined
  const block = Buffer.from(payload.buffer, payload.byteOffset - length, length).toString()
  return block.startsWith(FIRST_LINE) && block.endsWith('\r\n\r\n') ? new BlockHeaders(block) : undefined
}

/** Headers as the client library has read them. */
export function clientHeaders(headers: MsgHdrs): NatsHeaders {
  return new ClientHeaders(headers)
}

/** Headers as text, read when asked for. */
class BlockHeaders implements NatsHeaders {
  readonly code: number
  readonly description: string
  private readonly block: string

  constructor(block: string) {
    this.code = 0
    this.description = ''
    this.block = block
  }

  get(name: string): string {
    for (const [each, value] of this.entries()) if (each === name) return value
    return ''
  }

  keys(): readonly string[] {
    return [...new Set(this.entries().map(([name]) => name))]
  }

  lowerCased(): Header {
    const header: Record<string, string> = Object.create(null)
    for (const [name, value] of this.entries()) header[name.toLowerCase()] ??= value
    return header
  }

  private entries(): readonly (readonly [name: string, value: string])[] {
    const { block } = this
    const entries: [string, string][] = []
    let start = FIRST_LINE.length
    for (let end = block.indexOf('\r\n', start); end > start; end = block.indexOf('\r\n', start)) {
      const colon = block.indexOf(':', start)
      if (colon > 0 && colon < end) entries.push([block.slice(start, colon), valueIn(block, colon + 1, end)])
      start = end + 2
    }
    return entries
  }
}

const SPACE = 0x20

/** The value between two places, without the space that most have before them, nor others at its ends. */
function valueIn(block: string, start: number, end: number): string {
  const first = block.charCodeAt(start) === SPACE ? start + 1 : start
  const value = block.slice(first, end)
  const isPlain = block.charCodeAt(first) > SPACE && block.charCodeAt(end - 1) > SPACE
  return isPlain ? value : value.trim()
}

class ClientHeaders implements NatsHeaders {
  readonly code: number
  readonly description: string
  private readonly headers: MsgHdrs

  constructor(headers: MsgHdrs) {
    this.code = headers.code
    this.description = headers.description
    this.headers = headers
  }

  get(name: string): string {
    return this.headers.get(name)
  }

  keys(): readonly string[] {
    return this.headers.keys()
  }

  lowerCased(): Header {
    const header: Record<string, string> = Object.create(null)
    for (const name of this.headers.keys()) header[name.toLowerCase()] ??= this.headers.get(name)
    return header
  }
}
