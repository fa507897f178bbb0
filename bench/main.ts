import { broker } from './broker.bench.js'
import { longReply } from './long-reply.bench.js'
import { pick } from './pick.bench.js'
import { compareSelectors } from './selectors.bench.js'
import { overNats } from './network.js'
import { slowConsumer } from './slow-consumer.bench.js'
import { slowConsumerStyles } from './slow-consumer-styles.bench.js'
import { unary, unaryOverNats } from './unary.bench.js'
import { window } from './window.bench.js'

/** `npm run bench -- NAME [--json]`: runs one bench, each of which answers one question. Exits 1 below its bar. */
interface Bench {
  /** What may come behind its name. */
  readonly flags: readonly string[]
  run(flags: readonly string[]): Promise<boolean>
}

const benches: { readonly [name: string]: Bench } = {
  unary: {
    flags: ['--json', '--nats'],
    run: flags => (flags.includes('--nats') ? unaryOverNats : unary)(flags.includes('--json')),
  },
  'long-reply': { flags: ['--json'], run: flags => longReply(flags.includes('--json')) },
  'slow-consumer': {
    flags: ['--json', '--styles', '--nats'],
    run: flags =>
      network(flags)(() => (flags.includes('--styles') ? slowConsumerStyles : slowConsumer)(flags.includes('--json'))),
  },
  broker: { flags: ['--json'], run: flags => broker(flags.includes('--json')) },
  pick: { flags: ['--json'], run: flags => pick(flags.includes('--json')) },
  selectors: { flags: ['--json'], run: flags => compareSelectors(flags.includes('--json')) },
  window: {
    flags: ['--json', '--nats'],
    run: flags => network(flags)(() => window(flags.includes('--json'))),
  },
}

/** Where a bench runs: over TCP, or over NATS. */
function network(flags: readonly string[]): (run: () => Promise<boolean>) => Promise<boolean> {
  return flags.includes('--nats') ? overNats : run => run()
}

const [name = '', ...flags] = process.argv.slice(2)
const bench = benches[name]
const usages = Object.entries(benches).map(([known, { flags }]) => `  ${known} [${flags.join(' | ')}]\n`)
const usage = `usage: npm run bench -- NAME\n${usages.join('')}`
if (name === '--help' || flags.includes('--help')) process.stdout.write(usage)
else if (bench === undefined || flags.some(flag => !bench.flags.includes(flag))) {
  process.stderr.write(usage)
  process.exitCode = 2
} else {
  process.exit((await bench.run(flags)) ? 0 : 1)
}
