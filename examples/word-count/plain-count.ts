import { createReadStream } from 'node:fs'
import { opendir } from 'node:fs/promises'
import type { WordCount } from './contracts.js'
import type { Path } from './files.js'

/** What is counted once more without millrace. */
export interface Count {
  readonly files: number
  readonly unreadable: number
  readonly lines: number
  readonly words: number
  readonly distinct: number
  readonly top: readonly WordCount[]
}

interface FileCount {
  lines: number
  words: number
  readonly counts: Map<string, number>
}

/**
 * Counts a folder again, in one process and one loop, sharing no code with the services: the control of the job.
 * A file is counted by itself and added when it has proved fine.
 */
export async function plainCount(folder: Path, ending = ''): Promise<Count> {
  const all: FileCount = { lines: 0, words: 0, counts: new Map() }
  let files = 0
  let unreadable = 0
  const folders = [folder]
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    try {
      for await (const entry of await opendir(next, { encoding: 'buffer' as BufferEncoding })) {
        const name = entry.name as unknown as Buffer // what encoding 'buffer' gives, which @types/node does not know
        const path = Buffer.concat([next, Buffer.from('/'), name])
        if (entry.isDirectory()) folders.push(path)
        if (!entry.isFile() || !name.toString('latin1').endsWith(ending)) continue
        const file = await countFile(path)
        if (file === undefined) unreadable++
        else {
          files++
          add(file, all)
        }
      }
    } catch {
      unreadable++ // a folder that cannot be listed
    }
  }
  const { lines, words, counts } = all
  return { files, unreadable, lines, words, distinct: counts.size, top: topOf(counts) }
}

/** `undefined` when the file is refused. */
async function countFile(path: Path): Promise<FileCount | undefined> {
  const file: FileCount = { lines: 0, words: 0, counts: new Map() }
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let rest = ''
  const take = (text: string): void => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) countLine(line, file)
    if (Buffer.byteLength(rest) > 1_048_576) throw new RangeError('line too long')
  }
  try {
    for await (const bytes of createReadStream(path, { highWaterMark: 256 * 1024 })) {
      take(decoder.decode(bytes as Buffer, { stream: true }))
    }
    take(decoder.decode())
    if (rest !== '') countLine(rest, file)
    return file
  } catch {
    return undefined // not readable, not UTF-8, or a line too long: why is the services' business
  }
}

function countLine(line: string, file: FileCount): void {
  if (Buffer.byteLength(line) > 1_048_576) throw new RangeError('line too long')
  file.lines++
  for (const [match] of line.matchAll(/[\p{L}\p{N}]+/gu)) {
    const word = match.toLowerCase()
    file.words++
    const count = file.counts.get(word)
    // The key must not be a slice of the line, which would keep all of the line's block in memory.
    if (count === undefined) file.counts.set(Buffer.from(word).toString(), 1)
    else file.counts.set(word, count + 1)
  }
}

function add(file: FileCount, all: FileCount): void {
  all.lines += file.lines
  all.words += file.words
  for (const [word, count] of file.counts) all.counts.set(word, (all.counts.get(word) ?? 0) + count)
}

/** The 20 most frequent; equally frequent ones by the bytes of UTF-8, whose order is that of code points. */
function topOf(counts: ReadonlyMap<string, number>): WordCount[] {
  const least = [...counts.values()].toSorted((a, b) => b - a)[19] ?? 0
  const frequent = [...counts].filter(([, count]) => count >= least)
  frequent.sort((a, b) => b[1] - a[1] || Buffer.compare(Buffer.from(a[0]), Buffer.from(b[0])))
  return frequent.slice(0, 20)
}
