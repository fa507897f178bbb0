import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fencedFiles } from '../support/fenced-files.js'

const guides = readdirSync('docs')
  .filter(name => name.startsWith('writing-a-'))
  .map(name => join('docs', name))
let folder = ''
let faults = ''

// In the package's folder, so that the examples import it by its name.
beforeAll(() => {
  mkdirSync('.cache', { recursive: true })
  folder = mkdtempSync(join('.cache', 'plug-ins-'))
  for (const guide of guides) {
    mkdirSync(folderOf(guide))
    for (const { name, text } of fencedFiles(readFileSync(guide, 'utf8')))
      writeFileSync(join(folderOf(guide), name), text)
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(STRICT))
  faults = spawnSync('node_modules/.bin/tsc', ['-p', folder], { encoding: 'utf8' }).stdout
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('guides for plug-ins', () => {
  it('are there for each seam', () => {
    expect(guides.map(guide => basename(guide, '.md').split('-').at(-1))).toEqual([
      'broker',
      'codec',
      'registry',
      'selector',
      'transport',
    ])
  })

  it('have code that compiles', () => {
    expect(faults).toBe('')
  })

  it.concurrent.each(guides)('%s says what its suite prints', async guide => {
    const [, told = ''] = /^```text\n(.*?)\n```$/ms.exec(readFileSync(guide, 'utf8')) ?? []

    const output = await testsOf(folderOf(guide))

    const printed = output.split('\n').map(line => line.trim().replace(/ \([\d.]+ms\)$/, ''))
    expect(printed).toEqual(expect.arrayContaining(told.split('\n')))
  })
})

const STRICT = {
  extends: '../../tsconfig.json',
  compilerOptions: {
    ...{ incremental: false, isolatedDeclarations: false, declaration: false, declarationMap: false },
    ...{ noUnusedLocals: true, skipLibCheck: true, rootDir: '.', outDir: '.' },
  },
  include: ['**/*.ts'],
  exclude: [], // or it would be the folder of the output, which is the same
}

function folderOf(guide: string): string {
  return join(folder, basename(guide, '.md'))
}

/** What `node:test` says of the tests in a folder. */
function testsOf(cwd: string): Promise<string> {
  const files = readdirSync(cwd).filter(name => name.endsWith('.test.js'))
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--test', '--test-reporter=spec', ...files], { cwd })
    let output = ''
    child.stdout.on('data', chunk => (output += String(chunk)))
    child.on('error', reject)
    child.on('close', () => resolve(output))
  })
}
