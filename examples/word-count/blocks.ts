import { isUtf8 } from 'node:buffer'
import type { FileHandle } from 'node:fs/promises'
import { type RpcError } from 'millrace'
import { refused } from './refused.js'

/** Longest line that is read, in bytes without its end. */
export const MAX_LINE_BYTES = 1024 * 1024

/** Some whole lines of a file. */
export interface Block {
  /** The lines with their ends; only the last of a file may lack one. Overwritten when the next block is asked for. */
  readonly bytes: Buffer
  /** Number of the first of them; the first of a file is 1. */
  readonly firstLine: number
}

const BLOCK_BYTES = 64 * 1024
/** A block grows to this only for a line that does not fit: most files are small, and many are read. */
const MAX_BLOCK_BYTES = MAX_LINE_BYTES + BLOCK_BYTES
const NEWLINE = 0x0a

/**
 * The first `size` bytes of a file in blocks of whole, checked lines: each at most 1 MiB long and valid UTF-8, or it
 * ends with a refusal that tells the line's number and length.
 */
export async function* blocks(file: FileHandle, size = Infinity): AsyncGenerator<Block> {
  let buffer = Buffer.allocUnsafe(BLOCK_BYTES)
  let position = 0
  let filled = 0
  let firstLine = 1
  for (;;) {
    const wanted = Math.min(buffer.length - filled, size - position)
    const bytesRead = wanted === 0 ? 0 : (await file.read(buffer, filled, wanted, position)).bytesRead
    const atEnd = bytesRead === 0
    position += bytesRead
    filled += bytesRead
    const whole = atEnd ? filled : buffer.lastIndexOf(NEWLINE, filled - 1) + 1
    if (whole > 0) {
      const bytes = buffer.subarray(0, whole)
      const lines = checkLines(bytes, firstLine)
      yield { bytes, firstLine }
      firstLine += lines
      buffer.copyWithin(0, whole, filled)
      filled -= whole
    }
    if (atEnd) return
    if (filled < buffer.length) continue
    if (filled === MAX_BLOCK_BYTES) throw tooLong(firstLine, await lineLength(file, position - filled))
    buffer = Buffer.concat([buffer], MAX_BLOCK_BYTES)
  }
}

/** How many lines there are. */
function checkLines(bytes: Buffer, firstLine: number): number {
  const areUtf8 = isUtf8(bytes)
  let lines = 0
  let start = 0
  while (start < bytes.length) {
    const newline = bytes.indexOf(NEWLINE, start)
    const end = newline < 0 ? bytes.length : newline
    if (end - start > MAX_LINE_BYTES) throw tooLong(firstLine + lines, end - start)
    if (!areUtf8 && !isUtf8(bytes.subarray(start, end))) throw notUtf8(firstLine + lines, end - start)
    lines++
    start = end + 1
  }
  return lines
}

/** Length of the line that starts at `position`, without keeping it. */
async function lineLength(file: FileHandle, position: number): Promise<number> {
  const buffer = Buffer.allocUnsafe(64 * 1024)
  for (let length = 0; ;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position + length)
    const newline = buffer.subarray(0, bytesRead).indexOf(NEWLINE)
    if (newline >= 0) return length + newline
    if (bytesRead === 0) return length
    length += bytesRead
  }
}

function tooLong(line: number, bytes: number): RpcError {
  return refused('line_too_long', `line ${line} is ${bytes} bytes long, at most ${MAX_LINE_BYTES}`, { line, bytes })
}

function notUtf8(line: number, bytes: number): RpcError {
  return refused('not_utf8', `line ${line} (${bytes} bytes) is not valid UTF-8`, { line, bytes })
}
