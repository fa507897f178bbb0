import { parseArgs } from 'node:util'
import { readCommandLine } from '../support/command-line.js'
import { ensureServer, natsProgram } from '../support/find-server.js'
import { durableFaults } from './durable-faults.js'
import type { Outcome } from './outcome.js'
import { coreFaults, runCore } from './run-core.js'
import { runDurable } from './run-durable.js'
import { POISON_NAME, runPoison } from './run-poison.js'
import { runSlow, slowSubscribers } from './run-slow.js'

/**
 * `npm run test:faults -- broker [--json] [--messages NUMBER] [PART]`: what happens to servers of NATS and to those who use
 * them, and what becomes of the messages; PART leaves out the scenarios whose name lacks it. Exits 1 when a check fails.
 */
const usage = 'usage: npm run test:faults -- broker [--json] [--messages NUMBER] [PART]'
const { asJson, messages, part } = readCommandLine(usage, args => {
  const options = {
    json: { type: 'boolean', default: false },
    messages: { type: 'string', default: '100000' },
  } as const
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options })
  return { asJson: values.json, messages: Number(values.messages), part: positionals.join(' ') }
})

const scenarios: readonly (readonly [name: string, run: () => Promise<Outcome>])[] = [
  ...durableFaults.map(fault => [fault.name, () => runDurable(fault, messages)] as const),
  ...coreFaults.map(fault => [fault.name, () => runCore(fault, messages)] as const),
  [POISON_NAME, () => runPoison()],
  ...slowSubscribers.map(slow => [slow.name, () => runSlow(slow, messages)] as const),
]

ensureServer(natsProgram)
const outcomes: Outcome[] = []
for (const [name, run] of scenarios) {
  if (!name.includes(part)) continue
  print(`… ${name}`)
  const outcome = await run()
  outcomes.push(outcome)
  print(`${outcome.failures.length === 0 ? '✓' : '✗'} ${name}, ${outcome.seconds} s`)
}
const failures = outcomes.flatMap(({ scenario, failures }) => failures.map(failure => `${scenario}: ${failure}`))
if (outcomes.length > 0) print(tableOf(outcomes))
for (const { scenario, notes } of outcomes) for (const note of notes) print(`  ${scenario}: ${note}`)
for (const failure of failures) print(`✗ ${failure}`)
if (asJson) print(JSON.stringify({ outcomes, failures }))
if (outcomes.length === 0) print(`no fault has ${part} in its name`)
process.exit(failures.length === 0 && outcomes.length > 0 ? 0 : 1)

function tableOf(all: readonly Outcome[]): string {
  const columns = ['scenario', 'published', 'confirmed', 'refused', 'received', 'again', 'bound', 's']
  const rows = all.map(({ scenario, published, confirmed, refused, received, duplicates, maxDuplicates, seconds }) =>
    [scenario, published, confirmed, refused, received, duplicates, maxDuplicates, seconds].map(String),
  )
  return table([columns, ...rows])
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0))) ?? []
  return rows.map(row => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n')
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
