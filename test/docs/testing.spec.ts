import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { transformSync } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fencedFiles } from '../support/fenced-files.js'

describe.each(['README.md', 'docs/testing.md'])('tests in %s', document => {
  const shown = fencedFiles(readFileSync(document, 'utf8'))
  let folder = ''

  // In the package's folder, so that the tests import it by its name.
  beforeAll(() => {
    mkdirSync('.cache', { recursive: true })
    folder = mkdtempSync(join('.cache', 'specs-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('pass', () => {
    const files = shown.map(({ name, text }) => {
      const file = join(folder, name.replace('.ts', '.mjs'))
      const { code } = transformSync(text, { loader: 'ts', format: 'esm' })
      writeFileSync(file, code.replaceAll(/from "(\.\/[\w-]+)\.js"/g, 'from "$1.mjs"'))
      return file
    })
    const specs = files.filter(file => file.endsWith('.spec.mjs'))

    const { stdout, status } = spawnSync(process.execPath, ['--test', ...specs], { encoding: 'utf8' })

    expect(specs.length).toBeGreaterThan(0)
    expect(stdout.split('\n').filter(line => line.includes('not ok'))).toEqual([])
    expect(status).toBe(0)
  })
})
