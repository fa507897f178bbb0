import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'

/** One of the programs that are compiled first, which read their arguments alike, and the one that is not. */
const programs: { readonly [name: string]: readonly string[] } = {
  fuzz: ['scripts/program.mjs', 'test/fuzz'],
  'test:conformance': ['scripts/conformance.mjs'],
}

function run(name: string, flag: string): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [...(programs[name] ?? []), flag], { encoding: 'utf8' })
}

describe.each(Object.keys(programs))('npm run %s', name => {
  const usage = `usage: npm run ${name} -- `

  it('prints its usage when it is asked to', { timeout: 60_000 }, () => {
    const { status, stdout } = run(name, '--help')

    expect([status, stdout]).toEqual([0, expect.stringContaining(usage)])
  })

  it('prints its usage for a flag it lacks', { timeout: 60_000 }, () => {
    const { status, stderr } = run(name, '--jsno')

    expect([status, stderr]).toEqual([2, expect.stringMatching(new RegExp(`'--jsno'.*\n${usage}`))])
  })
})
