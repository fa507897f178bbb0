import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'

const PLACE = /(?:file:\/\/)?(\/[^()]*?|[A-Z]:[^()]*?):(\d+):(\d+)\)?$/

/**
 * The line of the spec that a stack trace leads to, as two lines of text: its place, and what is written there. The trace
 * begins in the kit, in whatever folder the runner says that is.
 */
export function writtenAt(stack: string): readonly string[] {
  let ownFolder: string | undefined
  for (const frame of stack.split('\n')) {
    const [, file, line, column] = PLACE.exec(frame) ?? []
    if (file === undefined) continue
    ownFolder ??= dirname(file)
    if (dirname(file) === ownFolder || file.includes('/node_modules/')) continue
    const text = lineOf(file, Number(line))
    return [`at ${file}:${line}:${column}`, ...(text === undefined ? [] : [`   ${text}`])]
  }
  return []
}

function lineOf(file: string, line: number): string | undefined {
  try {
    return readFileSync(file, 'utf8').split('\n')[line - 1]?.trim()
  } catch {
    return undefined // a file that is only in memory is shown by its place
  }
}
