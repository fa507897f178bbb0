// The whole gate: every step of the check, then everything in vitest. Arguments are passed on to vitest:
// `npm test -- test/codec`. The last line counts steps and tests together.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { check } from './check.mjs'
import { countTests } from './count-tests.mjs'

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
    const { status } = spawnSync(vitest, ['run', '--allowOnly=false', ...reporters, ...filters], { stdio: 'inherit' })
    return countTests(existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : { testResults: [] }, status ?? 1)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
