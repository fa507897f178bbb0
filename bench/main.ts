import { unary } from './unary.bench.js'

/** `npm run bench -- NAME [--json]`: runs one bench, each of which answers one question. Exits 1 below its bar. */
const benches: Readonly<Record<string, (asJson: boolean) => Promise<boolean>>> = { unary }

const [name = '', ...flags] = process.argv.slice(2)
const bench = benches[name]
const unknown = flags.filter(flag => flag !== '--json')
if (bench === undefined || unknown.length > 0) {
  process.stderr.write(`usage: npm run bench -- ${Object.keys(benches).join(' | ')} [--json]\n`)
  process.exitCode = 2
} else {
  process.exit((await bench(flags.includes('--json'))) ? 0 : 1)
}
