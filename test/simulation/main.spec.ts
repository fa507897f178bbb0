import { spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { beforeAll, describe, expect, it } from 'vitest'
import { runShop } from './run-shop.js'
import { summarize } from './summary.js'

function sim(...flags: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, ['.cache/simulation/main.js', ...flags], { encoding: 'utf8' })
}

beforeAll(() => void spawnSync('node_modules/.bin/tsc', ['-p', 'test/simulation'], { stdio: 'inherit' }))

describe('npm run sim', () => {
  it('gives the hash that this process gives', { timeout: 120_000 }, async () => {
    const runs = [await runShop(1), await runShop(2)]

    const { status, stdout } = sim('--seeds', '2')

    const hash = stdout.trimEnd().split('\n').at(-1)
    expect([status, hash]).toEqual([0, `hash ${summarize(runs).hash}`])
  })

  it('prints as JSON what it prints otherwise', { timeout: 60_000 }, async () => {
    const run = await runShop(4)

    const { stdout } = sim('--seed', '4', '--json')

    const lines = stdout.trimEnd().split('\n')
    expect(lines.slice(0, -1)).toEqual(run.lastLines)
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual(summarize([run]))
  })

  it('prints its usage for values it cannot use', { timeout: 60_000 }, () => {
    const { status, stderr } = sim('--seeds', 'all')

    expect([status, stderr]).toEqual([2, expect.stringMatching(/^N is a whole number.*\nusage: npm run sim -- /)])
  })
})
