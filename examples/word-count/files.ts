import { readdir } from 'node:fs/promises'

/** Path names are bytes, for a file name need not be UTF-8. */
export type Path = Buffer

/** Which files there are below a folder. */
export interface FilesOptions {
  /** End of the names of the files that count, `.md`. @default all */
  readonly ending?: string
  /** Told of each folder that cannot be listed; nothing below it is given. */
  readonly onUnreadable?: (folder: Path, error: unknown) => void
}

const SLASH = Buffer.from('/')

/**
 * Every regular file below a folder, hidden ones too, ordered by the bytes of their names; links are not followed.
 * Only the folders on the way to the current file are in memory.
 */
export async function* filesBelow(folder: Path, options: FilesOptions = {}): AsyncGenerator<Path> {
  const { ending = '', onUnreadable } = options
  let entries
  try {
    entries = await readdir(folder, { withFileTypes: true, encoding: 'buffer' })
  } catch (error) {
    onUnreadable?.(folder, error)
    return
  }
  entries.sort((a, b) => Buffer.compare(a.name, b.name))
  for (const entry of entries) {
    const path = Buffer.concat([folder, SLASH, entry.name])
    if (entry.isDirectory()) yield* filesBelow(path, options)
    else if (entry.isFile() && entry.name.toString('latin1').endsWith(ending)) yield path
  }
}
