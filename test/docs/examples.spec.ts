import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { transformSync } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fencedFiles } from '../support/fenced-files.js'

const printed = (text: string): string[] => [...text.matchAll(/^\/\/ → (.*)$/gm)].map(([, line = '']) => line)

describe.each(['docs/broker.md', 'docs/flow-control.md', 'docs/interop.md', 'docs/selectors.md'])('%s', document => {
  const examples = fencedFiles(readFileSync(document, 'utf8'))
  let folder = ''

  // In the package's folder, so that the examples import it by its name.
  beforeAll(() => {
    mkdirSync('.cache', { recursive: true })
    folder = mkdtempSync(join('.cache', 'examples-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each(examples.map(({ name, text }) => [name, text]))('%s prints what it says', (name, text) => {
    const file = join(folder, name.replace('.ts', '.mjs'))
    writeFileSync(file, transformSync(text, { loader: 'ts', format: 'esm' }).code)

    const { stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8' })

    expect(stderr).toBe('')
    expect(stdout.trimEnd().split('\n')).toEqual(printed(text))
  })
})
