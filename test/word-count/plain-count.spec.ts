import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isRefused } from '../../examples/word-count/refused.js'
import { lines } from '../../examples/word-count/lines.js'
import { plainCount } from '../../examples/word-count/plain-count.js'
import { Tally } from '../../examples/word-count/tally.js'
import { wordsOf } from '../../examples/word-count/words.js'
import { tempFolder } from './temp-folder.js'

/** What the parts of the services count. */
async function count(folder: string, names: readonly string[]): Promise<unknown> {
  const tally = new Tally()
  const counted = { files: 0, unreadable: 0, lines: 0 }
  for (const name of names) {
    try {
      for await (const line of lines(Buffer.from(join(folder, name)))) {
        tally.add(wordsOf(line))
        counted.lines++
      }
      counted.files++
    } catch (error) {
      expect(isRefused(error)).toBe(true)
      counted.unreadable++
    }
  }
  return { ...counted, words: tally.words, distinct: tally.distinct, top: tally.top(20) }
}

describe('plainCount', () => {
  it('agrees with the services on any bytes', async () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'B', ' ', '\n', '\r', 'é', 'Σ', 'İ', '𐐀', 'ａ', '\uFEFF', '1'),
    })
    const file = fc.oneof(
      { weight: 4, arbitrary: text.map(content => new Uint8Array(Buffer.from(content))) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 8 }) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(file, { minLength: 1, maxLength: 4 }), async files => {
        const folder = tempFolder(Object.fromEntries(files.entries()))
        const names = files.map((_, name) => String(name))

        expect(await plainCount(Buffer.from(folder))).toEqual(await count(folder, names))
      }),
      { numRuns: 150, seed: 7 },
    )
  })

  it('refuses what the services refuse', async () => {
    const mib = 'x'.repeat(1024 * 1024)
    const folder = tempFolder({
      exact: `${mib}\n${mib}`,
      over: `ok\n${mib}x`,
      overInside: `${mib}x\nok`,
      bad: Uint8Array.of(0x6f, 0xff),
    })

    expect(await plainCount(Buffer.from(folder))).toMatchObject({ files: 1, lines: 2, unreadable: 3 })
  })
})
