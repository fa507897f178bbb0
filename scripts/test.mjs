// The whole gate: every step of the check, then everything in vitest. Arguments are passed on to vitest:
// `npm test -- test/codec`. The last line counts steps and tests together.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { check } from './check.mjs'

const filters = process.argv.slice(2)
const steps = await check({ architecture: filters.length > 0 })
const tests = runTests()
const passed = steps.passed + tests.passed
const failed = steps.failed + tests.failed
process.exitCode = failed > 0 ? 1 : 0
console.log(`${passed} passed, ${failed} failed, ${tests.skipped} skipped`)

function runTests() {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-test-'))
  const report = join(folder, 'report.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  try {
    const vitest = join('node_modules', '.bin', 'vitest')
    const { status } = spawnSync(vitest, ['run', ...reporters, ...filters], { stdio: 'inherit' })
    return count(existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : { testResults: [] }, status ?? 1)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/**
 * @typedef {object} Report
 * @property {readonly { status: string, assertionResults: readonly { status: string }[] }[]} testResults
 */

/**
 * @param {Report} report
 * @param {number} status
 */
function count({ testResults }, status) {
  const states = testResults.flatMap(file => {
    const tests = file.assertionResults.map(test => test.status)
    // A file that fails outside its tests, while it is loaded or in a hook, is one failure more.
    return file.status === 'failed' && !tests.includes('failed') ? [...tests, 'failed'] : tests
  })
  const passed = states.filter(state => state === 'passed').length
  const failed = states.filter(state => state === 'failed').length
  // vitest also fails on errors that belong to no test, and when no file matches.
  const hidden = failed === 0 && (status !== 0 || passed === 0) ? 1 : 0
  return { passed, failed: failed + hidden, skipped: states.length - passed - failed }
}
