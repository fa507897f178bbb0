import type { Header } from '../../core/index.js'
import { writeU24 } from './frame.js'

const utf8 = new TextEncoder()

/** Writes the bytes of metadata into memory that grows. */
export class ByteWriter {
  private target: Uint8Array
  private at: number

  constructor() {
    this.target = new Uint8Array(64)
    this.at = 0
  }

  /** One byte. */
  byte(value: number): void {
    this.room(1)
    this.target[this.at++] = value
  }

  /** LEB128: seven bits a byte, low bits first, the top bit set on all but the last. */
  varint(value: number): void {
    let rest = value
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80)
      rest = Math.floor(rest / 128)
    }
    this.byte(rest)
  }

  /** UTF-8 with its length before it, as a varint. */
  text(value: string): void {
    const bytes = utf8.encode(value)
    this.varint(bytes.length)
    this.raw(bytes)
  }

  /** Names and values, with their count before them, as a varint. */
  header(header: Header): void {
    const names = Object.keys(header)
    this.varint(names.length)
    for (const name of names) {
      this.text(name)
      this.text(header[name] as string)
    }
  }

  /** A number of 24 bits. */
  u24(value: number): void {
    this.room(3)
    writeU24(this.target, this.at, value)
    this.at += 3
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.room(bytes.length)
    this.target.set(bytes, this.at)
    this.at += bytes.length
  }

  /** What was written. */
  bytes(): Uint8Array {
    return this.target.subarray(0, this.at)
  }

  private room(bytes: number): void {
    if (this.at + bytes <= this.target.length) return
    const target = new Uint8Array(Math.max(this.target.length * 2, this.at + bytes))
    target.set(this.target)
    this.target = target
  }
}
