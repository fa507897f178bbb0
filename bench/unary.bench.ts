import { once } from 'node:events'
import { createClient, memoryRegistry, rsocket } from 'millrace'
import { tcp } from 'millrace/transport/tcp'
import { NEVER, startWith } from 'rxjs'
import { bareCaller } from './bare-net.js'
import { Echo } from './echo.js'
import { itemOf } from './payload.js'
import { forkPinned } from './pinned.js'

/** Question: how many unary calls a second, with 64 in flight, compared with a bare node:net echo in the same run? */
const IN_FLIGHT = 64
const WARM_UP_MS = 1500
const ROUND_MS = 1500
const ROUNDS = 9

type Call = (value: unknown, done: () => void) => void

interface Figures {
  readonly perSecond: number
  readonly p50Us: number
  readonly p99Us: number
}

/** Runs the bench; gives false when the ratio is below the bar. */
export async function unary(asJson: boolean): Promise<boolean> {
  const server = forkPinned('./server.js')
  const [addresses] = (await once(server, 'message')) as [Record<string, string>]
  const candidates = {
    millrace: await millraceCaller(addresses['millrace'] ?? ''),
    bareNet: await bare(addresses['bareNet'] ?? ''),
  }
  for (const call of Object.values(candidates)) await round(call, WARM_UP_MS)

  const rounds: Record<keyof typeof candidates, Figures[]> = { millrace: [], bareNet: [] }
  for (let number = 0; number < ROUNDS; number++) {
    if (!asJson) process.stderr.write(`\rround ${number + 1} of ${ROUNDS}`)
    for (const name of ['millrace', 'bareNet'] as const) rounds[name].push(await round(candidates[name], ROUND_MS))
  }
  if (!asJson) process.stderr.write('\r')
  server.disconnect()

  const millrace = medians(rounds.millrace)
  const bareNet = medians(rounds.bareNet)
  const ratio = Math.round((millrace.perSecond / bareNet.perSecond) * 1000) / 1000
  if (asJson) console.log(JSON.stringify({ millrace, bareNet, ratio }))
  else console.table({ millrace, bareNet, ratio: { perSecond: ratio } })
  return ratio >= 0.6
}

function millraceCaller(address: string): Promise<Call> {
  const registry = memoryRegistry()
  const node = { id: 'echo-1', address, metadata: { protocol: 'rsocket', transport: 'tcp' } }
  registry
    .register(NEVER.pipe(startWith({ name: 'echo', version: '1.0.0', metadata: {}, endpoints: [], node })))
    .subscribe()
  const echo = createClient({ protocol: rsocket(tcp()), registry }).of(Echo)
  return Promise.resolve((value, done) => {
    echo.unary(value as ReturnType<typeof itemOf>).subscribe({ complete: done })
  })
}

function bare(address: string): Promise<Call> {
  return new Promise(resolve => bareCaller(address, resolve))
}

/** Keeps `IN_FLIGHT` calls running for `ms`. */
function round(call: Call, ms: number): Promise<Figures> {
  return new Promise(resolve => {
    const latencies: number[] = []
    const startedAt = performance.now()
    const endsAt = startedAt + ms
    let running = 0
    const next = (): void => {
      const sentAt = performance.now()
      if (sentAt >= endsAt) {
        if (running === 0) resolve(figures(latencies, sentAt - startedAt))
        return
      }
      running++
      call(itemOf(latencies.length), () => {
        running--
        latencies.push(performance.now() - sentAt)
        next()
      })
    }
    for (let caller = 0; caller < IN_FLIGHT; caller++) next()
  })
}

function figures(latencies: number[], elapsedMs: number): Figures {
  const sorted = Float64Array.from(latencies).toSorted()
  const us = (quantile: number): number => Math.round((sorted[Math.floor(sorted.length * quantile)] ?? 0) * 1000)
  return { perSecond: Math.round((latencies.length / elapsedMs) * 1000), p50Us: us(0.5), p99Us: us(0.99) }
}

function medians(rounds: readonly Figures[]): Figures {
  const median = (of: (figures: Figures) => number): number => {
    const sorted = rounds.map(of).toSorted((left, right) => left - right)
    return sorted[Math.floor(sorted.length / 2)] ?? 0
  }
  return { perSecond: median(f => f.perSecond), p50Us: median(f => f.p50Us), p99Us: median(f => f.p99Us) }
}
