import { VirtualTimeScheduler } from 'rxjs'
import { seededRuntime } from '../../../core/index.js'

/** Draws a whole number from 0 to `below - 1`. */
export type Draw = (below: number) => number

/** Draws the same numbers in every run, on every machine. */
export function drawing(): Draw {
  const runtime = seededRuntime({ scheduler: new VirtualTimeScheduler(), seed: 20_261_122 })
  return below => Math.floor(runtime.random() * below)
}

/** Draws a value that JSON has, of at most about `size` parts; the small ones first make a failure short. */
export function drawJson(draw: Draw, size: number): unknown {
  const kind = draw(size > 0 ? 6 : 4)
  if (kind === 0) return draw(2) === 0 ? null : draw(2) === 0
  if (kind === 1) return drawNumber(draw)
  if (kind < 4) return drawText(draw)
  const parts = Array.from({ length: draw(Math.min(size, 20) + 1) }, () => drawJson(draw, Math.floor(size / 4)))
  if (kind === 4) return parts
  // A field named __proto__ is refused, which is no matter of JSON.
  return Object.fromEntries(parts.map(part => [drawText(draw), part]).filter(([name]) => name !== '__proto__'))
}

const NUMBERS: readonly number[] = [
  ...[0, -0, 1, -1, 127, 128, -32, -33, -128, -129, 255, 256, 32_767, 32_768, 65_535, 65_536],
  ...[0x7fff_ffff, 0x8000_0000, -0x8000_0000, -0x8000_0001, 0xffff_ffff, 0x1_0000_0000],
  ...[Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, Number.MAX_VALUE, Number.MIN_VALUE, 0.1, -1.5e-7, 1e21],
]

function drawNumber(draw: Draw): number {
  const known = NUMBERS[draw(2 * NUMBERS.length)]
  return known ?? (draw(0x1_0000_0000) - 0x8000_0000) / (draw(2) === 0 ? 1 : 1 + draw(1000))
}

const TEXTS: readonly string[] = [
  '',
  '__proto__',
  'constructor',
  'toJSON',
  'a,b',
  '[{"',
  '\\u0000',
  '-0',
  'ü',
  '水',
  '🎈',
]

function drawText(draw: Draw): string {
  const known = TEXTS[draw(3 * TEXTS.length)]
  if (known !== undefined) return known
  // Code points of one to four bytes in UTF-8, the halves of surrogate pairs left out.
  const widest = [0x80, 0x800, 0xd800, 0x11_0000][draw(4)] ?? 0x80
  return Array.from({ length: draw(40) }, () => {
    const point = draw(widest)
    return String.fromCodePoint(point >= 0xd800 && point < 0xe000 ? point - 0xd800 : point)
  }).join('')
}

/** What texts of JSON are made of, so that more than the first byte is read. */
const JSON_BYTES: Uint8Array = new TextEncoder().encode('[]{}",:0123456789-.eE\\u truefalsn')

/** Draws `length` bytes: any, those of JSON, or small ones between heads of binary formats. */
export function drawBytes(draw: Draw, length: number): Uint8Array {
  const kind = draw(3)
  return Uint8Array.from({ length }, () => {
    if (kind === 0) return draw(256)
    if (kind === 1) return JSON_BYTES[draw(JSON_BYTES.length)] ?? 0
    return draw(3) === 0 ? 0x80 + draw(0x80) : draw(8)
  })
}
