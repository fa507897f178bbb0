import { parseArgs } from 'node:util'
import { from, lastValueFrom, mergeMap, tap, toArray } from 'rxjs'
import { readCommandLine } from '../support/command-line.js'
import { ensureServer, etcdProgram } from '../support/find-server.js'
import { runScenario, type Outcome } from './run-scenario.js'
import { scenarios } from './scenarios.js'

/**
 * `npm run test:faults -- registry [--json] [PART]`: what happens to an etcd, and how long it takes until those who
 * register and those who watch have recovered; PART leaves out the scenarios whose name lacks it. Exits 1 when a bound is
 * broken.
 */
const { asJson, part } = readCommandLine('usage: npm run test:faults -- registry [--json] [PART]', args => {
  const options = { json: { type: 'boolean', default: false } } as const
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options })
  return { asJson: values.json, part: positionals.join(' ') }
})

/** Scenarios that run at once: they wait most of the time. */
const AT_ONCE = 4

ensureServer(etcdProgram)
const outcomes = await lastValueFrom(
  from(scenarios.filter(({ name }) => name.includes(part))).pipe(
    mergeMap(scenario => runScenario(scenario), AT_ONCE),
    tap(({ scenario, failures }) => print(`${failures.length === 0 ? '✓' : '✗'} ${scenario}`)),
    toArray(),
  ),
)
print(tableOf(outcomes))
for (const { scenario, failures } of outcomes) for (const failure of failures) print(`✗ ${scenario}: ${failure}`)
if (asJson) print(JSON.stringify({ outcomes }))
process.exit(outcomes.length > 0 && outcomes.every(({ failures }) => failures.length === 0) ? 0 : 1)

function tableOf(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ scenario, boundMs, watcherMs, ownerMs, removedMs }) => [
    scenario,
    ...[boundMs, watcherMs, ownerMs, removedMs].map(ms => `${(ms / 1000).toFixed(1)} s`),
  ])
  return table([['scenario', 'bound', 'watcher healed after', 'owner healed after', 'dead node gone after'], ...rows])
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0))) ?? []
  return rows.map(row => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n')
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
