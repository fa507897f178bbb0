import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readCommandLine } from '../support/command-line.js'
import { buildJava } from './build-java.js'
import { cancellation } from './features/cancellation.js'
import { connections } from './features/connections.js'
import { errors } from './features/errors.js'
import { fragments } from './features/fragments.js'
import { interactions } from './features/interactions.js'
import { leases } from './features/lease.js'
import { metadata } from './features/metadata.js'
import { requestN } from './features/request-n.js'
import { resumption } from './features/resume.js'
import { spring } from './features/spring.js'
import { JavaPeer } from './java-peer.js'
import { ensureJava, CannotRun } from './java-tools.js'
import { countsOf, lineOf, tableOf } from './report.js'
import type { Feature, Row } from './row.js'
import { registryRows } from './registry/registry-rows.js'
import { runFeatures, skipFeatures } from './run-features.js'

/**
 * `npm run test:interop -- [--json] [PART]`: rsocket-java and Spring against millrace, as clients and as servers, over
 * TCP and WebSocket, and go-micro in a registry with it, etcd and mdns; PART leaves out the features whose name lacks it,
 * and `registry` is all with go-micro. Exits 1 when a row failed. With FRAMES set, Java shows its frames.
 */
const folder = join('test', 'interop')
const { asJson, only } = readCommandLine('usage: npm run test:interop -- [--json] [PART]', args => {
  const options = { json: { type: 'boolean', default: false } } as const
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options })
  const [part = '', ...others] = positionals
  if (others.length > 0) throw new TypeError(`one PART is expected, not ${positionals.length}`)
  return { asJson: values.json, only: part }
})

/** Names the part that needs no Java. */
const REGISTRY = 'registry'

/** A foreign implementation: the module with its program, the program, and what is tried with it. */
interface Foreign {
  readonly peer: string
  readonly module: string
  readonly program: string
  readonly features: readonly Feature[]
  /** Whether the run fails when the module cannot be built. */
  readonly required: boolean
}

const foreign: readonly Foreign[] = [
  {
    peer: 'java',
    module: 'rsocket-java',
    program: 'millrace.interop.Peer',
    features: [
      ...interactions,
      ...errors,
      ...cancellation,
      ...requestN,
      ...fragments,
      ...metadata,
      ...connections,
      ...leases,
      ...resumption,
    ],
    required: true,
  },
  {
    peer: 'spring',
    module: 'spring',
    program: 'millrace.interop.spring.SpringPeer',
    features: spring,
    required: false,
  },
]

async function main(): Promise<boolean> {
  const rows: Row[] = []
  if (only !== REGISTRY) {
    ensureJava()
    for (const each of foreign) rows.push(...(await rowsOf(each)))
  }
  if (only === REGISTRY || only === '') rows.push(...(await registryRows(row => print(lineOf(row)))))
  if (rows.length === 0) throw new CannotRun(`no feature has ${only} in its name`)
  const counts = countsOf(rows)
  print(`\n${tableOf(rows)}\n\n${counts.pass} passed, ${counts.fail} failed, ${counts.skipped} skipped`)
  if (asJson) print(JSON.stringify({ ...counts, rows }))
  return counts.fail === 0 && counts.pass > 0
}

async function rowsOf({ peer, module, program, features, required }: Foreign): Promise<readonly Row[]> {
  const broken = buildJava(folder, module)
  if (broken !== undefined && required) throw new CannotRun(`${module} does not build:\n${broken}`)
  const onRow = (row: Row): void => print(lineOf(row))
  if (broken !== undefined) return skipFeatures({ peer, features, onRow }, `${module} does not build: ${broken}`)
  const java = new JavaPeer(join(folder, module), program)
  try {
    return await runFeatures({ peer, java, features, only, onRow })
  } finally {
    await java.end()
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

// What a row that has failed leaves behind fails later, when nobody waits for it any more.
process.on('unhandledRejection', () => {})
try {
  process.exit((await main()) ? 0 : 1)
} catch (error) {
  if (!(error instanceof CannotRun)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
}
