import { overNats } from './network.js'
import { forkPinned, type PinnedProgram } from './pinned.js'
import type { Figures } from './figures.js'

/**
 * Question: how many unary calls a second, with 64 in flight, compared with a bare node:net echo in the same run? And
 * over a nats-server, compared with request and reply of the bare `nats` client?
 *
 * Each candidate has a client process on core 0 and a server process on core 1; rounds of both are interleaved, and the
 * median round counts.
 */
const WARM_UP_MS = 2000
const ROUND_MS = 1500
const ROUNDS = 9
const LEAST_RATIO = 0.6

/** Runs the bench; gives false when the ratio is below the bar. */
export function unary(asJson: boolean): Promise<boolean> {
  return compare('bareNet', asJson)
}

/** Runs the bench over a nats-server; gives false when the ratio is below the bar. */
export function unaryOverNats(asJson: boolean): Promise<boolean> {
  return overNats(() => compare('bareNats', asJson))
}

async function compare(yardstick: 'bareNet' | 'bareNats', asJson: boolean): Promise<boolean> {
  const candidates = ['millrace', yardstick]
  const programs: PinnedProgram[] = []
  const clients: PinnedProgram[] = []
  for (const candidate of candidates) {
    const server = forkPinned('./server.js', [candidate], { core: 1 })
    const client = forkPinned('./unary-client.js', [candidate, String(await server.message())], { core: 0 })
    await client.message()
    await round(client, WARM_UP_MS)
    programs.push(server, client)
    clients.push(client)
  }

  const rounds: Figures[][] = candidates.map(() => [])
  for (let number = 1; number <= ROUNDS; number++) {
    if (!asJson) process.stderr.write(`\rround ${number} of ${ROUNDS}`)
    for (const [index, client] of clients.entries()) rounds[index]?.push(await round(client, ROUND_MS))
  }
  if (!asJson) process.stderr.write('\r')
  for (const program of programs) program.end()

  const [millrace, bare] = rounds.map(medians) as [Figures, Figures]
  const ratio = Math.round((millrace.perSecond / bare.perSecond) * 1000) / 1000
  if (asJson) console.log(JSON.stringify({ millrace, [yardstick]: bare, ratio }))
  else console.table({ millrace, [yardstick]: bare, ratio: { perSecond: ratio } })
  return ratio >= LEAST_RATIO
}

async function round(client: PinnedProgram, ms: number): Promise<Figures> {
  return (await client.ask(ms)) as Figures
}

function medians(rounds: readonly Figures[]): Figures {
  const median = (of: (figures: Figures) => number): number => {
    const sorted = rounds.map(of).toSorted((left, right) => left - right)
    return sorted[Math.floor(sorted.length / 2)] ?? 0
  }
  return { perSecond: median(f => f.perSecond), p50Us: median(f => f.p50Us), p99Us: median(f => f.p99Us) }
}
