import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { UsageError } from './arguments.js'
import { filesBelow, type Path } from './files.js'

/** A folder with files to count. */
export interface Folder {
  readonly path: Path
  /** End of the names of the files that count; empty for all. */
  readonly ending: string
  /** How many files there are, when it is looked at first. */
  readonly files: number
}

/** Looks at a folder; throws {@link UsageError} when there is nothing to count. */
export async function openFolder(name: string, ending: string): Promise<Folder> {
  const shown = JSON.stringify(resolve(name))
  const stats = await stat(name).catch((error: Error) => {
    throw new UsageError(`FOLDER cannot be opened: ${error.message}`, { cause: error })
  })
  if (!stats.isDirectory()) throw new UsageError(`FOLDER is not a folder: ${shown}`)
  const path = Buffer.from(resolve(name))
  let files = 0
  for await (const file of filesBelow(path, { ending })) files += Number(file.length > 0)
  if (files === 0) throw new UsageError(`FOLDER is empty: there is no ${ending || 'regular'} file below ${shown}`)
  return { path, ending, files }
}
