import { ensureServer, natsProgram } from '../test/support/find-server.js'
import { startNats } from '../test/support/nats-server.js'
import type { BrokerCandidate } from './broker-client.js'
import { median } from './moments.js'
import { forkPinned, pin, type PinnedProgram } from './pinned.js'
import type { Figures } from './figures.js'

/**
 * Question: how many messages a second go through a NATS server and back, 256 on their way, compared with the bare `nats`
 * client doing the same work in the same run: over core NATS, where each is confirmed by a PONG, and over JetStream, where
 * each is confirmed by the stream and acknowledged by a durable consumer?
 *
 * Both send payload, id and content type, and read payload and id. Each candidate publishes and consumes in one process on core 0,
 * beside the server on core 1. Rounds of all are interleaved, and compared with those beside them, for the machine may be
 * faster in one minute than in the next: the median of these ratios counts.
 */
const CANDIDATES: readonly BrokerCandidate[] = ['millrace-nats', 'bare-nats', 'millrace-jetstream', 'bare-jetstream']
const WARM_UP_MS = 2000
const ROUND_MS = 500
const ROUNDS = 41
const LEAST_RATIO = 0.9

/** Runs the bench; gives false when a ratio is below the bar. */
export async function broker(asJson: boolean): Promise<boolean> {
  ensureServer(natsProgram)
  const server = await startNats()
  pin(server.pid, 1)
  const clients = CANDIDATES.map(candidate =>
    forkPinned('./broker-client.js', [candidate, server.address], { core: 0 }),
  )
  for (const client of clients) {
    await client.message()
    await round(client, WARM_UP_MS)
  }

  const rounds: Figures[][] = CANDIDATES.map(() => [])
  for (let number = 1; number <= ROUNDS; number++) {
    if (!asJson) process.stderr.write(`\rround ${number} of ${ROUNDS}`)
    for (const [index, client] of clients.entries()) rounds[index]?.push(await round(client, ROUND_MS))
  }
  if (!asJson) process.stderr.write('\r')
  for (const client of clients) client.end()
  await server.stop()

  const figures = Object.fromEntries(CANDIDATES.map((candidate, index) => [candidate, mediansOf(rounds[index] ?? [])]))
  const [ourNats = [], bareNats = [], ourJetStream = [], bareJetStream = []] = rounds
  const ratios = { nats: ratioOf(ourNats, bareNats), jetstream: ratioOf(ourJetStream, bareJetStream) }
  if (asJson) console.log(JSON.stringify({ ...figures, ratios, least: LEAST_RATIO }))
  else {
    console.table(figures)
    console.log(
      `millrace / bare: NATS ${ratios.nats}, JetStream ${ratios.jetstream}; at least ${LEAST_RATIO} is asked for`,
    )
  }
  return ratios.nats >= LEAST_RATIO && ratios.jetstream >= LEAST_RATIO
}

async function round(client: PinnedProgram, ms: number): Promise<Figures> {
  return (await client.ask(ms)) as Figures
}

/** The median of the ratios of rounds that were run one after the other. */
function ratioOf(ours: readonly Figures[], bare: readonly Figures[]): number {
  const ratios = ours.map(({ perSecond }, index) => perSecond / (bare[index]?.perSecond ?? Infinity))
  return Math.round(median(ratios) * 1000) / 1000
}

function mediansOf(rounds: readonly Figures[]): Figures {
  return {
    perSecond: median(rounds.map(({ perSecond }) => perSecond)),
    p50Us: median(rounds.map(({ p50Us }) => p50Us)),
    p99Us: median(rounds.map(({ p99Us }) => p99Us)),
  }
}
