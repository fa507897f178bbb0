import { runRegistry } from './run-registry.js'

/** The rows of mdns, from a network of its own: the go-micro process is the argument, each line is a row. */
const [program = ''] = process.argv.slice(2)
await runRegistry({ program, engine: 'mdns', onRow: row => process.stdout.write(`${JSON.stringify(row)}\n`) })
process.exit(0)
