import { appendFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { lines } from '../../examples/word-count/lines.js'
import { tempFolder } from './temp-folder.js'

const MIB = 1024 * 1024

function linesOf(content: string | Uint8Array): AsyncGenerator<string> {
  return lines(Buffer.from(join(tempFolder({ file: content }), 'file')))
}

async function toArray(lines: AsyncIterable<string>): Promise<string[]> {
  const array: string[] = []
  for await (const line of lines) array.push(line)
  return array
}

/** More than one block, so that the file is read twice. */
const LONG = 'a line of some length\n'.repeat(100_000)

describe('lines', () => {
  it.each([
    ['', []],
    ['\n', ['']],
    ['a\n\nb\n', ['a', '', 'b']],
    ['a\nrest', ['a', 'rest']],
    ['a\r\nb\rc\r\n', ['a\r', 'b\rc\r']],
    ['\uFEFFa\n', ['\uFEFFa']],
    ['a\u2028b\u0085c', ['a\u2028b\u0085c']],
  ])('splits %j at line feeds only', async (content, expected) => {
    expect(await toArray(linesOf(content))).toEqual(expected)
  })

  it('gives the lines of a file of many blocks', async () => {
    const content = Array.from({ length: 5000 }, (_, n) => `${n} ${'é'.repeat((n * 7919) % 1000)}`).join('\n')

    expect((await toArray(linesOf(content))).join('\n') === content).toBe(true)
  })

  it.each([['\n'], ['']])('takes a line of 1 MiB that ends with %j', async end => {
    const [line] = await toArray(linesOf('é'.repeat(MIB / 2) + end))

    expect(line?.length).toBe(MIB / 2)
  })

  it.each([
    ['at the end', `ok\n${'é'.repeat(MIB / 2)}x`, { line: 2, bytes: MIB + 1 }],
    ['before others', `ok\n\n${'x'.repeat(MIB + 1)}\nok\n`, { line: 3, bytes: MIB + 1 }],
    ['of many blocks', `${'x'.repeat(3 * MIB)}\nok\n`, { line: 1, bytes: 3 * MIB }],
    ['of many blocks, at the end', 'x'.repeat(3 * MIB), { line: 1, bytes: 3 * MIB }],
  ])('refuses a file with a longer line %s', async (_where, content, details) => {
    await expect(linesOf(content).next()).rejects.toMatchObject({ reason: 'line_too_long', details })
  })

  it.each([
    ['a byte that starts nothing', [0x61, 0x0a, 0xff, 0x0a], { line: 2, bytes: 1 }],
    ['a character that is cut off', [0x61, 0xe2, 0x82], { line: 1, bytes: 3 }],
    ['an overlong form', [0xc0, 0xaf], { line: 1, bytes: 2 }],
    ['a surrogate', [0xed, 0xa0, 0x80], { line: 1, bytes: 3 }],
  ])('refuses a file with %s', async (_what, bytes, details) => {
    await expect(linesOf(Uint8Array.from(bytes)).next()).rejects.toMatchObject({ reason: 'not_utf8', details })
  })

  it('refuses a bad last line before the first', async () => {
    const content = Buffer.concat([Buffer.from(LONG), Uint8Array.of(0xff)])

    await expect(linesOf(content).next()).rejects.toMatchObject({ reason: 'not_utf8', details: { line: 100_001 } })
  })

  it.each(['missing', 'link', 'folder'])('refuses what is no regular file: %s', async name => {
    const folder = tempFolder({ 'folder/file': '', file: 'x' })
    symlinkSync('file', join(folder, 'link'))

    await expect(lines(Buffer.from(join(folder, name))).next()).rejects.toMatchObject({ reason: 'unreadable' })
  })

  it('leaves out what is appended after the check', async () => {
    const file = join(tempFolder({ file: LONG }), 'file')
    const reading = lines(Buffer.from(file))

    await reading.next()
    appendFileSync(file, 'one more\n')

    expect(await toArray(reading)).toHaveLength(99_999)
  })

  it('fails when the file shrinks after the check', async () => {
    const file = join(tempFolder({ file: LONG }), 'file')
    const reading = lines(Buffer.from(file))

    await reading.next()
    truncateSync(file, 1_500_000)

    await expect(toArray(reading)).rejects.toMatchObject({ code: 'ABORTED', reason: 'file_changed' })
  })

  it('fails when the file goes bad after the check', async () => {
    const file = join(tempFolder({ file: LONG }), 'file')
    const reading = lines(Buffer.from(file))

    await reading.next()
    writeFileSync(file, Buffer.alloc(LONG.length, 0xff), { flag: 'r+' })

    await expect(toArray(reading)).rejects.toMatchObject({ code: 'ABORTED', reason: 'file_changed' })
  })
})
