import { parseArgs } from 'node:util'
import { readCommandLine } from '../support/command-line.js'
import { fuzzMemory } from './fuzz-memory.js'
import type { FuzzReport } from './fuzz-report.js'
import { fuzzTcp } from './fuzz-tcp.js'
import { manyCalls, type CallsReport } from './many-calls.js'
import type { MemoryUse } from './memory-watch.js'

/**
 * `npm run fuzz -- [--frames N] [--seed S] [--json]`: sends N random and damaged frames to a live server and to clients,
 * half over memory, half over TCP, and prints what became of them. Then makes N calls, a million at most, over one TCP
 * connection, of which nothing may be left. By default N is two million: a million each way. Exits 1 when anything happened that must not.
 */
const { frames, seed, json } = readCommandLine('usage: npm run fuzz -- [--frames N] [--seed S] [--json]', args => {
  const { values } = parseArgs({
    args,
    options: { frames: { type: 'string' }, seed: { type: 'string' }, json: { type: 'boolean', default: false } },
  })
  const given = { frames: Number(values.frames ?? 2_000_000), seed: Number(values.seed ?? randomSeed()) }
  if (!Number.isInteger(given.frames) || given.frames < 2) throw new TypeError('N is a whole number, at least 2')
  if (!Number.isInteger(given.seed)) throw new TypeError('S is a whole number')
  return { ...given, json: values.json }
})

/**
 * Most memory that a run may take, MB: what the heap keeps, and what the process takes from the system on the way. A
 * million frames take up to 11 and 80; what is kept is compiled code.
 */
const MOST_HEAP_GROWTH_MB = 32
const MOST_RSS_GROWTH_MB = 160

process.exit((await run()) ? 0 : 1)

function randomSeed(): number {
  return Math.floor(Math.random() * 1_000_000)
}

async function run(): Promise<boolean> {
  const half = Math.ceil(frames / 2)
  const calledFor = Math.min(frames, 1_000_000)
  const start = performance.now()
  const memory = await fuzzMemory({ frames: half, seed, onProgress: progress('memory', half) })
  const tcp = await fuzzTcp({ frames: frames - half, seed, onProgress: progress('tcp', frames - half) })
  const calls = await manyCalls(calledFor, progress('calls', calledFor))
  const seconds = Math.round((performance.now() - start) / 100) / 10
  const failures = Object.entries({ memory, tcp, calls }).flatMap(([name, report]) =>
    [...report.failures, ...overLimits(report.memory)].map(failure => `${name}: ${failure}`),
  )
  failures.push(...Object.entries({ memory, tcp }).flatMap(([name, report]) => unattacked(name, report)))
  if (!json) print({ memory, tcp }, calls)
  for (const failure of failures) console.log(`failed: ${failure}`)
  console.log(
    json
      ? JSON.stringify({ seed, frames: memory.frames + tcp.frames, seconds, memory, tcp, calls, failures })
      : `${memory.frames + tcp.frames} frames, seed ${seed}, ${failures.length} failures, ${seconds} s`,
  )
  return failures.length === 0
}

/** Tells on stderr how far a half is. */
function progress(name: string, all: number): (frames: number) => void {
  let told = -1
  return count => {
    const percent = Math.min(100, Math.floor((count / all) * 100))
    if (percent === told) return
    told = percent
    process.stderr.write(`\r${name} ${percent} %${percent === 100 ? '\n' : ''}`)
  }
}

/** A run that is not very short attacks both roles. */
function unattacked(name: string, { connections, frames: read }: FuzzReport): string[] {
  const { client, server } = connections
  return read > 1000 && client * server === 0 ? [`${name}: ${client} clients and ${server} servers were attacked`] : []
}

function overLimits({ heapGrowthMb, rssGrowthMb }: MemoryUse): string[] {
  return [
    ...(heapGrowthMb > MOST_HEAP_GROWTH_MB
      ? [`the heap grew by ${heapGrowthMb} MB, at most ${MOST_HEAP_GROWTH_MB}`]
      : []),
    ...(rssGrowthMb > MOST_RSS_GROWTH_MB
      ? [`the process grew by ${rssGrowthMb} MB, at most ${MOST_RSS_GROWTH_MB}`]
      : []),
  ]
}

function print(reports: { readonly memory: FuzzReport; readonly tcp: FuzzReport }, calls: CallsReport): void {
  const { memory, tcp } = reports
  const names = [...new Set([...Object.keys(memory.outcomes), ...Object.keys(tcp.outcomes)])].toSorted()
  console.table(
    Object.fromEntries(names.map(name => [name, { memory: memory.outcomes[name] ?? 0, tcp: tcp.outcomes[name] ?? 0 }])),
  )
  for (const [name, { memory: use, connections, unread, wellBehaved }] of Object.entries(reports)) {
    console.log(
      `${name}: ${connections.server} connections to servers, ${connections.client} of clients, ${unread} frames behind the end of one; ` +
        `${wellBehaved.calls} calls beside them went well, the slowest in ${wellBehaved.slowestMs} ms; ` +
        growthOf(use),
    )
  }
  console.log(`calls: ${calls.calls} were answered over one TCP connection; ${growthOf(calls.memory)}`)
}

function growthOf({ heapGrowthMb, rssGrowthMb, peakRssMb }: MemoryUse): string {
  return (
    `heap grew by ${heapGrowthMb} MB (at most ${MOST_HEAP_GROWTH_MB}), ` +
    `process by ${rssGrowthMb} MB (at most ${MOST_RSS_GROWTH_MB}) to ${peakRssMb} MB`
  )
}
