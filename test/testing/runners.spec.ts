import { spawnSync } from 'node:child_process'
import { beforeAll, describe, expect, it } from 'vitest'

const FOLDER = 'test/testing/runners'

/** How each runner is asked to run the file. */
const runners: readonly (readonly [name: string, args: readonly string[]])[] = [
  ['node:test', ['--test', '--test-reporter=spec', `${FOLDER}/words.mjs`]],
  [
    'vitest',
    ['node_modules/vitest/vitest.mjs', 'run', '--reporter=verbose', '--config', `${FOLDER}/vitest.config.mjs`],
  ],
  ['jest', ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--config', `${FOLDER}/jest.config.json`]],
]

describe.each(runners)('marbles under %s', (_, args) => {
  let output = ''
  let status: number | null = null

  // Once for a spec that passes and one that fails: most of a run is the start of its runner.
  beforeAll(() => ({ status, output } = run(args)))

  it('passes as drawn', () => {
    expect(output).toMatch(/[✔✓] .*answers every line/)
  })

  it('shows both lanes, values and the line', () => {
    const lines = output.split('\n').map(line => line.trimEnd())
    const at = lines.findIndex(line => line.includes('expected  -x--y-|'))
    const indent = lines[at]?.slice(0, lines[at].indexOf('expected')) ?? ''
    expect(lines.slice(at, at + 6).map(line => line.slice(indent.length))).toEqual([
      'expected  -x--y-|',
      'actual    -x-?--|',
      '             ^ 3 ms',
      '? at 3 ms: next { length: 9 }',
      'x = { length: 2 }',
      'y = { length: 10 }',
    ])
    expect(output).toMatch(/at .*words\.mjs:28:\d+/)
    expect(output).toContain("expectReplies('-x--y-|', { x: { length: 2 }, y: { length: 10 } })")
    expect(status).not.toBe(0)
  })
})

function run(args: readonly string[]): { status: number | null; output: string } {
  // Without what tells the runner inside that it is one of ours.
  const { VITEST: _vitest, VITEST_WORKER_ID: _worker, VITEST_POOL_ID: _pool, NODE_ENV: _mode, ...outer } = process.env
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    env: { ...outer, WORDS_FAIL: '1', NO_COLOR: '1', FORCE_COLOR: '0' },
  })
  return { status, output: `${stdout}${stderr}` }
}
