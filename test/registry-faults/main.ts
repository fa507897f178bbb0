import { parseArgs } from 'node:util'
import { from, lastValueFrom, mergeMap, tap, toArray } from 'rxjs'
import { readCommandLine } from '../support/command-line.js'
import { ensureServer, etcdProgram } from '../support/find-server.js'
import { runCluster, type ClusterOutcome } from './run-cluster.js'
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
const CLUSTER = 'leader of a cluster killed'

ensureServer(etcdProgram)
const outcomes = await lastValueFrom(
  from(scenarios.filter(({ name }) => name.includes(part))).pipe(
    mergeMap(scenario => runScenario(scenario), AT_ONCE),
    tap(({ scenario, failures }) => print(`${failures.length === 0 ? '✓' : '✗'} ${scenario}`)),
    toArray(),
  ),
)
const cluster = CLUSTER.includes(part) ? await runCluster() : undefined
if (outcomes.length > 0) print(tableOf(outcomes))
if (cluster !== undefined) print(textOf(cluster))
const failures = [
  ...outcomes.flatMap(({ scenario, failures }) => failures.map(failure => `${scenario}: ${failure}`)),
  ...(cluster?.problems ?? []).map(problem => `${CLUSTER}: ${problem}`),
]
for (const failure of failures) print(`✗ ${failure}`)
if (asJson) print(JSON.stringify({ outcomes, cluster, failures }))
const isNothing = outcomes.length === 0 && cluster === undefined
if (isNothing) print(`no fault has ${part} in its name`)
process.exit(failures.length === 0 && !isNothing ? 0 : 1)

function textOf({
  clients,
  leaderMs,
  answered,
  failures,
  p99Ms,
  slowestMs,
  staleWatches,
  longestStaleMs,
}: ClusterOutcome): string {
  return (
    `${CLUSTER}: another one after ${leaderMs} ms; ${clients} clients, ${answered} calls answered, ${failures.length} failed, ` +
    `99 % within ${p99Ms} ms, all within ${slowestMs} ms; ${staleWatches} watches stale, the longest for ${longestStaleMs} ms`
  )
}

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
