import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

/** What the job is asked to do. */
export interface Arguments {
  /** The folder whose files are counted. */
  readonly folder: string
  /** End of the names of the files that count; empty for all. */
  readonly ending: string
  /** How many tokenizer processes there are. */
  readonly tokenizers: number
  /** Whether to print one line of JSON instead of a table. */
  readonly json: boolean
}

/** Most tokenizer processes; each takes about 50 MB. */
export const MAX_TOKENIZERS = 64

/** How the job is called. */
export const usage = `usage: npm start [-- FOLDER --tokenizers N --json]

Counts the words of every file below FOLDER (default: the markdown files under node_modules) with three services:
a reader, N tokenizers (default 2, at most ${MAX_TOKENIZERS}) and a counter, each a process of its own.

  --tokenizers N  how many processes split lines into words
  --json          print the result as one line of JSON
  --help          print this`

/** The program was called in a way that it does not understand. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Reads the command line; `undefined` when help is asked for. Throws {@link UsageError}. */
export function readArguments(argv: readonly string[]): Arguments | undefined {
  const { values, positionals } = parse(argv)
  if (values.help) return undefined
  if (positionals.length > 1) throw new UsageError(`one FOLDER expected, got ${positionals.length}`)
  const { json } = values
  const tokenizers = readTokenizers(values.tokenizers)
  const [folder] = positionals
  if (folder === '') throw new UsageError('FOLDER is empty')
  if (folder !== undefined) return { folder, ending: '', tokenizers, json }
  return { folder: defaultFolder(), ending: '.md', tokenizers, json }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        tokenizers: { type: 'string', default: '2' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

function readTokenizers(text: string): number {
  const tokenizers = Number(text)
  if (/^[0-9]+$/.test(text) && tokenizers >= 1 && tokenizers <= MAX_TOKENIZERS) return tokenizers
  throw new UsageError(`--tokenizers must be a whole number from 1 to ${MAX_TOKENIZERS}, got ${JSON.stringify(text)}`)
}

/** `node_modules` of the package, wherever the program is called from. */
function defaultFolder(): string {
  return fileURLToPath(new URL('../../node_modules', import.meta.url))
}
