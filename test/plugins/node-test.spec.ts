import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { transportChecks } from 'millrace/testing/compliance'
import { transpiled } from '../support/transpiled.js'

const PLUGINS = 'examples/plugins'

describe(PLUGINS, () => {
  let folder = ''

  beforeAll(() => {
    const names = readdirSync(PLUGINS).filter(name => name.endsWith('.ts'))
    folder = transpiled(names.map(name => ({ name, text: readFileSync(join(PLUGINS, name), 'utf8') })))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('passes its suite under node:test', () => {
    const { stdout, status } = run('--test', '--test-reporter=tap', 'port-transport.test.js')

    expect(status, stdout).toBe(0)
    expect(stdout).toContain(`# pass ${transportChecks.length}\n# fail 0\n`)
  })

  it('carries calls between threads', () => {
    const { stdout, stderr } = run('main.js')

    expect(stderr).toBe('')
    expect(stdout).toBe('2 3 5 7 11 13 17 19 23 29\n')
  })

  function run(...args: readonly string[]) {
    return spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', timeout: 15_000 })
  }
})
