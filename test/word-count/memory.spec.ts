import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { resultOf, runJob } from './run-job.js'
import { tempFolder } from './temp-folder.js'

/** Size of the file, MB; `npm run test:soak` sets 500. */
const MEGABYTES = Number(process.env['WORD_COUNT_MB'] ?? 20)
const SECOND = 1000
const DISTINCT = 100_000

/** A file of lines of every length, up to 1 MiB, made of `DISTINCT` words. Gives how many words it has. */
function writeFile(path: string, bytes: number): { readonly lines: number; readonly words: number } {
  const file = openSync(path, 'w')
  let lines = 0
  let words = 0
  for (let written = 0; written < bytes; lines++) {
    // Most lines are short, one in 4096 is as long as a line may be.
    const length = lines % 4096 === 4095 ? 131_000 : lines % 40
    const line = Array.from({ length }, () => `w${(words++ * 7919) % DISTINCT}`).join(' ')
    written += writeSync(file, `${line}\n`)
  }
  closeSync(file)
  return { lines, words }
}

describe('main job', () => {
  it(
    `counts ${MEGABYTES} MB in flat memory`,
    async () => {
      const folder = tempFolder()
      const written = writeFile(join(folder, 'file'), MEGABYTES * 1_000_000)

      const ended = await runJob('--json', folder)

      expect(ended.stderr).toBe('')
      const { rssMb, ...counted } = resultOf(ended)
      expect(counted).toMatchObject({ files: 1, ...written, distinct: DISTINCT, unreadable: 0 })
      expect(Object.entries(rssMb).filter(([, mb]) => mb > 100)).toEqual([])
      expect(ended.code).toBe(0)
    },
    MEGABYTES * 3 * SECOND,
  )
})
