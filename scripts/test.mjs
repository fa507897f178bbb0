// The whole gate: every step of the check, then everything in vitest, then the diagrams of the specs that ran. Arguments
// are passed on to vitest: `npm test -- test/codec`. The last line counts steps and tests together.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { check } from './check.mjs'
import { countTests } from './count-tests.mjs'
import { galleryFaults } from './diagrams/gallery-files.mjs'
import { galleryOf } from './diagrams/gallery.mjs'

/** @typedef {import('./count-tests.mjs').Report & import('./diagrams/gallery.mjs').Report} Report */

const filters = process.argv.slice(2)
const steps = await check({ architecture: filters.length > 0 })
const { report, status } = runTests()
const tests = countTests(report, status)
const diagrams = await compareDiagrams(report)
const passed = steps.passed + tests.passed + diagrams.passed
const failed = steps.failed + tests.failed + diagrams.failed
process.exitCode = failed > 0 ? 1 : 0
console.log(`${passed} passed, ${failed} failed, ${tests.skipped} skipped`)

/** @returns {{ report: Report, status: number }} */
function runTests() {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-test-'))
  const file = join(folder, 'report.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
  try {
    const vitest = join('node_modules', '.bin', 'vitest')
    const { status } = spawnSync(vitest, ['run', '--allowOnly=false', ...reporters, ...filters], { stdio: 'inherit' })
    return {
      report: existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { testResults: [] },
      status: status ?? 1,
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/**
 * One check: whether the diagrams of the documentation are what the specs did that have just run.
 *
 * @param {Report} report
 */
async function compareDiagrams(report) {
  const faults = galleryFaults(join('docs', 'diagrams'), await galleryOf(process.cwd(), report))
  for (const fault of faults) console.log(`✗ ${fault}`)
  if (faults.length > 0) console.log('Look at what has changed, then run `npm run docs:diagrams` and commit it.\n')
  return faults.length === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
}
