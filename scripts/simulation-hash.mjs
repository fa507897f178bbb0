// Runs the shop of test/simulation with the same seeds under Node 20, 22 and 24, which npm brings, and compares the hashes:
// `npm run test:simulation-hash -- [--seeds N]`. Exits 1 when they differ, and names the first seed that does.
import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const MAJORS = [20, 22, 24]

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const main = join(root, '.cache', 'simulation', 'main.js')
const { seeds } = parseArgs({ options: { seeds: { type: 'string', default: '20' } } }).values

process.chdir(root)
// Compiles what the others run.
execFileSync(process.execPath, ['scripts/program.mjs', 'test/simulation', '--help'], { stdio: ['ignore', 'ignore', 2] })
const hashes = MAJORS.map(major => {
  const hash = hashUnder(major, '--seeds', seeds)
  console.log(`${node(major, '--version').trim().padEnd(10)} ${hash}`)
  return hash
})
if (new Set(hashes).size > 1) {
  console.log(`seed ${firstDifferent()} is the first whose hash differs`)
  process.exitCode = 1
}

function firstDifferent() {
  for (let seed = 1; seed <= Number(seeds); seed++) {
    if (new Set(MAJORS.map(major => hashUnder(major, '--seed', String(seed)))).size > 1) return seed
  }
  return undefined
}

/**
 * @param {number} major
 * @param {string[]} flags
 * @returns {string}
 */
function hashUnder(major, ...flags) {
  const lines = node(major, main, ...flags, '--json')
    .trimEnd()
    .split('\n')
  return JSON.parse(lines.at(-1) ?? '').hash
}

/**
 * What a version of Node prints.
 *
 * @param {number} major
 * @param {string[]} args
 */
function node(major, ...args) {
  const [command = '', ...before] =
    process.versions.node.split('.')[0] === String(major)
      ? [process.execPath]
      : ['npm', 'exec', '--yes', `--package=node-${process.platform}-${process.arch}@${major}`, '--', 'node']
  return execFileSync(command, [...before, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 2] })
}
