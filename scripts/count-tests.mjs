/**
 * @typedef {object} Report What vitest's json reporter writes, as far as it is read here.
 * @property {readonly { status: string, assertionResults: readonly { status: string }[] }[]} testResults
 */

/**
 * Counts what vitest reports. Whatever makes vitest fail is at least one failure, so that no run is green that is not:
 * a file that cannot be loaded, an error that belongs to no test, no test at all.
 *
 * @param {Report} report
 * @param {number} status Exit code of vitest.
 * @returns {{ passed: number, failed: number, skipped: number }}
 */
export function countTests({ testResults }, status) {
  const states = testResults.flatMap(file => {
    const tests = file.assertionResults.map(test => test.status)
    return file.status === 'failed' && !tests.includes('failed') ? [...tests, 'failed'] : tests
  })
  const passed = states.filter(state => state === 'passed').length
  const failed = states.filter(state => state === 'failed').length
  const hidden = failed === 0 && (status !== 0 || passed === 0) ? 1 : 0
  return { passed, failed: failed + hidden, skipped: states.length - passed - failed }
}
