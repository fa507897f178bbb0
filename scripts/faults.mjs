// Faults that take too long for every run of the tests: `npm run test:faults -- [wire|registry|broker] [ARGUMENTS]`, all without
// an argument. What comes after the name is passed on.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const vitest = join('node_modules', '.bin', 'vitest')

/** @type {Record<string, (args: readonly string[]) => boolean>} */
const suites = {
  wire: args => run([vitest, 'run', 'test/protocol/resume-cuts.spec.ts', ...args], { RESUME_CUT_EVERY: '1' }),
  registry: args => run([process.execPath, 'scripts/program.mjs', 'test/registry-faults', ...args]),
  broker: args => run([process.execPath, 'scripts/program.mjs', 'test/broker-faults', ...args]),
}

const [name, ...args] = process.argv.slice(2)
const chosen = name === undefined ? Object.values(suites) : [suites[name]]
if (chosen.includes(undefined)) {
  console.error(`usage: npm run test:faults -- [${Object.keys(suites).join('|')}] [ARGUMENTS]`)
  process.exit(2)
}
const passed = chosen.map(suite => suite?.(args) ?? false)
process.exitCode = passed.every(Boolean) ? 0 : 1

/**
 * @param {readonly string[]} command
 * @param {NodeJS.ProcessEnv} [env]
 */
function run([program = '', ...args], env = {}) {
  return spawnSync(program, args, { stdio: 'inherit', env: { ...process.env, ...env } }).status === 0
}
