import { parseArgs } from 'node:util'
import { shop } from '../simulation/shop/shop.js'
import { readCommandLine } from '../support/command-line.js'
import { findMutant, type Found } from './find-mutant.js'
import { mutants } from './mutants.js'
import { SHOP_OPTIONS } from '../simulation/shop-options.js'

const USAGE = 'usage: npm run test:mutants -- [--seeds N] [--json]'

/**
 * Plants one fault after the other and shows how many seeds the simulator takes to find each, 1000 at most.
 * Exits 1 when one is not found.
 */
const { seeds, json } = readCommandLine(USAGE, args => {
  const { values } = parseArgs({ args, options: { seeds: { type: 'string' }, json: { type: 'boolean' } } })
  const given = Number(values.seeds ?? 1000)
  if (!Number.isInteger(given) || given < 1) throw new TypeError('N is a whole number, at least 1')
  return { seeds: given, json: values.json === true }
})

const rows: { readonly mutant: string; readonly found: Found | undefined }[] = []
for (const mutant of mutants) {
  process.stderr.write(`${rows.length + 1} of ${mutants.length}: ${mutant.name}\n`)
  rows.push({ mutant: mutant.name, found: await findMutant(shop, mutant, SHOP_OPTIONS, seeds) })
}
const missed = rows.filter(({ found }) => found === undefined)
if (json) console.log(JSON.stringify({ seeds, mutants: rows, missed: missed.length }))
else print()
process.exitCode = missed.length > 0 ? 1 : 0

function print(): void {
  const name = Math.max(...rows.map(({ mutant }) => mutant.length))
  for (const { mutant, found } of rows) {
    const how =
      found === undefined ? `NOT FOUND in ${seeds} seeds` : `seed ${String(found.seeds).padEnd(4)} ${found.invariant}`
    console.log(`${mutant.padEnd(name)}  ${how}`)
  }
  console.log(`${mutants.length} planted, ${mutants.length - missed.length} found, ${missed.length} missed`)
}
