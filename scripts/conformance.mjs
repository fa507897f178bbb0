// Runs the conformance checklist of RSocket 1.0 over every network and prints a row a point: its number, then pass, fail
// or why it does not apply over memory, TCP and WebSocket, its section and title. The points about large numbers run in
// full.
// With --json the last line is the same as an object. Exits 1 when a point fails.
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startVitest } from 'vitest/node'
import { countRows, rowsOf, tableOf } from './conformance/rows.mjs'

/** @typedef {import('./conformance/rows.mjs').Outcome} Outcome */

const USAGE = 'usage: npm run test:conformance -- [--json]'
const POINTS = 88
const json = readJson()
const root = dirname(dirname(fileURLToPath(import.meta.url)))
/** @type {Outcome[]} */
const outcomes = []
/** @type {string[]} */
const failures = []
let start = 0

process.chdir(root)
process.env['CONFORMANCE'] = 'full'
/** @type {import('vitest/node').Reporter} */
const reporter = {
  onTestRunStart: () => {
    start = performance.now()
  },
  onTestCaseResult: test => {
    const { parent: section } = test
    const over = section.type === 'suite' && section.parent.type === 'suite' ? section.parent.name : ''
    const network = over.replace('RSocket over ', '')
    const { state, errors, note } = /** @type {{ state: string, errors?: readonly Failure[], note?: string }} */ (
      test.result()
    )
    if (!(network in { memory: 0, tcp: 0, websocket: 0 })) return
    outcomes.push({
      network,
      section: section.type === 'suite' ? section.name : '',
      test: test.name,
      state: state === 'passed' ? 'pass' : state === 'failed' ? 'fail' : 'skip',
      ...(note !== undefined && { reason: note }),
    })
    for (const error of errors ?? []) failures.push(`${test.name} (${network})\n${textOf(error)}`)
  },
  onTestRunEnd: (modules, errors) => {
    for (const error of [...modules.flatMap(module => module.errors()), ...errors])
      failures.push(`outside of the points\n${textOf(error)}`)
  },
}

/** @typedef {{ message: string, stack?: string, diff?: string }} Failure */

const vitest = await startVitest('test', ['test/conformance'], {
  watch: false,
  reporters: [reporter],
  typecheck: { enabled: false },
  testNamePattern: '^RSocket over ',
})
await vitest.close()

const rows = rowsOf(outcomes)
const counts = countRows(rows)
const seconds = Math.round((performance.now() - start) / 100) / 10
const failed = counts.failed > 0 || counts.points !== POINTS || failures.length > 0
for (const line of tableOf(rows)) console.log(line)
for (const failure of failures) console.log(`\n${failure}`)
console.log(
  `\n${counts.points} points: ${counts.passed} passed, ${counts.failed} failed, ` +
    `${counts.notApplicable} not applicable to every network; ${seconds} s`,
)
if (json) console.log(JSON.stringify({ ...counts, seconds, rows }))
process.exitCode = failed ? 1 : 0

function readJson() {
  const options = /** @type {const} */ ({ json: { type: 'boolean', default: false }, help: { type: 'boolean' } })
  try {
    const { values } = parseArgs({ options })
    if (!values.help) return values.json
    console.log(USAGE)
    process.exit(0)
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
    process.exit(2)
  }
}

/** @param {Failure} error */
function textOf({ message, stack = '', diff = '' }) {
  return [message, diff, ...stack.split('\n').filter(line => line.includes('/test/'))].filter(Boolean).join('\n')
}
