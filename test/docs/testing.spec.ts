import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { transformSync } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fencedFiles } from '../support/fenced-files.js'

describe.each(['README.md', 'docs/testing.md'])('tests in %s', document => {
  const specs = fencedFiles(readFileSync(document, 'utf8')).filter(({ name }) => name.endsWith('.spec.ts'))
  let folder = ''

  // In the package's folder, so that the tests import it by its name.
  beforeAll(() => {
    mkdirSync('.cache', { recursive: true })
    folder = mkdtempSync(join('.cache', 'specs-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('pass', () => {
    const files = specs.map(({ name, text }) => {
      const file = join(folder, name.replace('.ts', '.mjs'))
      writeFileSync(file, transformSync(text, { loader: 'ts', format: 'esm' }).code)
      return file
    })

    const { stdout, status } = spawnSync(process.execPath, ['--test', ...files], { encoding: 'utf8' })

    expect(files.length).toBeGreaterThan(0)
    expect(stdout.split('\n').filter(line => line.includes('not ok'))).toEqual([])
    expect(status).toBe(0)
  })
})
