import { MAX_HEADER_BYTES, MAX_HEADER_ENTRIES, RpcError, type Header } from '../../core/index.js'

const fromUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }) // a mark is part of the value

/** Reads the bytes of metadata; throws INVALID_ARGUMENT (reason `invalid_metadata`) where they end or are wrong. */
export class ByteReader {
  private readonly bytes: Uint8Array
  private readonly limit: number
  private at: number

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes
    this.limit = end
    this.at = start
  }

  /** One byte. */
  byte(): number {
    if (this.at >= this.limit) throw invalidMetadata('it ends early')
    return this.bytes[this.at++] as number
  }

  /** LEB128, at most five bytes. */
  varint(): number {
    let value = 0
    let scale = 1
    for (let count = 0; count < 5; count++) {
      const byte = this.byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 128
    }
    throw invalidMetadata('a number longer than 5 bytes')
  }

  /** UTF-8 with its length before it, as a varint. */
  text(maxBytes: number): string {
    return this.utf8(this.length(maxBytes))
  }

  /** Names and values, with their count before them, within the limits of headers: lengths do not count. */
  header(): Header {
    const count = this.varint()
    if (count > MAX_HEADER_ENTRIES) throw invalidMetadata(`a header of ${count} entries, at most ${MAX_HEADER_ENTRIES}`)
    const header: Record<string, string> = Object.create(null)
    let bytes = 0
    for (let entry = 0; entry < count; entry++) {
      const nameBytes = this.length(MAX_HEADER_BYTES)
      const name = this.utf8(nameBytes)
      const valueBytes = this.length(MAX_HEADER_BYTES)
      header[name] = this.utf8(valueBytes)
      bytes += nameBytes + valueBytes
    }
    if (bytes > MAX_HEADER_BYTES) throw invalidMetadata(`a header of ${bytes} bytes, at most ${MAX_HEADER_BYTES}`)
    return header
  }

  /** There must be no more. */
  end(): void {
    if (this.at !== this.limit) throw invalidMetadata(`${this.limit - this.at} bytes too many`)
  }

  private length(maxBytes: number): number {
    const length = this.varint()
    if (length > maxBytes) throw invalidMetadata(`a text of ${length} bytes, at most ${maxBytes}`)
    return length
  }

  private utf8(length: number): string {
    const end = this.at + length
    if (end > this.limit) throw invalidMetadata('it ends early')
    try {
      const text = fromUtf8.decode(this.bytes.subarray(this.at, end))
      this.at = end
      return text
    } catch {
      throw invalidMetadata('a text that is not UTF-8')
    }
  }
}

/** The error of metadata that cannot be read. */
export function invalidMetadata(what: string): RpcError {
  return new RpcError('INVALID_ARGUMENT', `metadata: ${what}`, { reason: 'invalid_metadata' })
}
