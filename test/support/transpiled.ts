import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { transformSync } from 'esbuild'
import type { FencedFile } from './fenced-files.js'

/**
 * Writes TypeScript files as JavaScript into a new folder, and gives its path; the caller removes it. It is in the
 * folder of the package, so that the files import the package by its name.
 */
export function transpiled(files: readonly FencedFile[]): string {
  mkdirSync('.cache', { recursive: true })
  const folder = mkdtempSync(join('.cache', 'examples-'))
  for (const { name, text } of files) {
    const { code } = transformSync(text, { loader: 'ts', format: 'esm', target: 'es2022' })
    writeFileSync(join(folder, name.replace(/\.ts$/, '.js')), code)
  }
  return folder
}
