import { parseArgs } from 'node:util'
import { shrink } from 'millrace/testing'
import { lastValueFrom, tap, toArray } from 'rxjs'
import { readCommandLine } from '../support/command-line.js'
import { progressBar } from './progress.js'
import { runSeeds } from './run-seeds.js'
import { runShop, type ShopRun } from './run-shop.js'
import { SHOP_OPTIONS } from './shop-options.js'
import { shop } from './shop/shop.js'
import { summarize, summaryLines } from './summary.js'

/**
 * `npm run sim -- [--seeds N | --seed S] [--json]`: runs the shop, a cluster in virtual time, with seeds 1 to N, and
 * prints what happened; the last line is the hash of all of it, equal on every machine. With `--seed` it runs that seed
 * alone and prints its last events, too. With `--json` the last line is an object that has the hash. Exits 1 when
 * something was violated, and prints the first such run reduced to a test.
 */
const { seeds, seed, json } = readCommandLine('usage: npm run sim -- [--seeds N | --seed S] [--json]', args => {
  const { values } = parseArgs({
    args,
    options: { seeds: { type: 'string' }, seed: { type: 'string' }, json: { type: 'boolean', default: false } },
  })
  if (values.seeds !== undefined && values.seed !== undefined)
    throw new TypeError('--seeds and --seed exclude each other')
  const given = {
    seeds: Number(values.seeds ?? 100),
    seed: values.seed === undefined ? undefined : Number(values.seed),
  }
  if (!Number.isInteger(given.seeds) || given.seeds < 1) throw new TypeError('N is a whole number, at least 1')
  if (given.seed !== undefined && (given.seed | 0) !== given.seed) throw new TypeError('S is a whole number of 32 bits')
  return { ...given, json: values.json }
})

/** How many violations are printed in full, and how many runs the first of them may take to be reduced. */
const SHOWN = 3
const SHRINK_RUNS = 200

const runs = seed === undefined ? await runAll(seeds) : [await runShop(seed)]
const summary = summarize(runs)
const [first] = summary.violations
if (seed !== undefined) for (const line of runs[0]?.lastLines ?? []) print(line)
for (const failed of summary.violations.slice(0, SHOWN)) print(`seed ${failed.seed}: ${failed.violated}\n`)
if (first !== undefined) print(`as a test:\n${await shrunkScript(first.seed)}\n`)
print(json ? JSON.stringify(summary) : summaryLines(summary).join('\n'))
process.exitCode = summary.violations.length > 0 ? 1 : 0

function runAll(count: number): Promise<readonly ShopRun[]> {
  const bar = progressBar(process.stderr, count)
  bar.show(0)
  let done = 0
  const all$ = runSeeds(count).pipe(tap({ next: () => bar.show(++done), finalize: () => bar.stop() }), toArray())
  return lastValueFrom(all$)
}

/** The failing run, with the fewest faults and the shortest time that were found. */
async function shrunkScript(seed: number): Promise<string> {
  const bar = progressBar(process.stderr, SHRINK_RUNS)
  const smaller$ = shrink(shop, { ...SHOP_OPTIONS, seed }, { maxRuns: SHRINK_RUNS })
  const smallest = await lastValueFrom(smaller$.pipe(tap(({ runs }) => bar.show(runs))))
  bar.stop()
  return smallest.script
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
