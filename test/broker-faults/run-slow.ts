import { startNats } from '../support/nats-server.js'
import type { Outcome } from './outcome.js'
import type { Told } from './party.js'
import { Stage } from './stage.js'

/** A subscriber that never gets done, and how much it may be sent. */
export interface SlowSubscriber {
  /** What happens. */
  readonly name: string
  /** Which broker. */
  readonly engine: 'nats' | 'jetstream'
}

const BYTES = 2048
const WINDOW = 64
const MAX_PENDING_BYTES = 8 * 1024 * 1024
/** Share of the messages after which memory is what it is to stay. */
const WARM = 0.5
/** Most that memory grows after that, as garbage does; half of the messages would be twice as much, bytes. */
const MAX_GROWTH = 48 * 1024 * 1024
const PUBLISHING_MS = 120_000

/** Who is slow. */
export const slowSubscribers: readonly SlowSubscriber[] = [
  { name: 'JetStream: subscriber that is stuck', engine: 'jetstream' },
  { name: 'core NATS: subscriber that is stuck', engine: 'nats' },
]

/**
 * `count` messages of 2 KiB for a subscriber that never gets done with one: its memory stays what it is, the server keeps
 * its connection, and it leaves when it is told to.
 */
export async function runSlow({ name, engine }: SlowSubscriber, count: number): Promise<Outcome> {
  const stage = new Stage([await startNats()])
  try {
    const party = { engine, servers: stage.addresses } as const
    const loses = { overflow: 'dropOldest', maxPendingBytes: MAX_PENDING_BYTES } as const
    const subscriber = await stage.subscribe({
      ...party,
      ...{ window: WINDOW, workMs: 'for ever', ackWaitMs: 2000 },
      ...(engine === 'nats' ? loses : { queue: 'q' }),
    })
    const told = subscriber.told as unknown as readonly Told[]
    stage.publish({ ...party, count, inFlight: 256, bytes: BYTES })
    await stage.until('the first messages', ({ settled }) => settled >= count * WARM, PUBLISHING_MS)
    const warm = told.length
    await stage.until('an end of every publish', ({ settled }) => settled >= count, PUBLISHING_MS)
    const later = told.length
    await stage.until('one more look at memory', () => told.slice(later).some(({ memory }) => memory !== undefined))
    check(stage, told, warm)
    const { slow_consumers: dropped } = await stage.server.monitor('/varz')
    stage.check(dropped === 0, `the server has dropped ${String(dropped)} connections for being slow`)
    await stage.leave()
    const { confirmed } = stage.ledger
    stage.check(confirmed.size === count, `${confirmed.size} of ${count} messages were confirmed`)
    return stage.outcome(name, count, 0)
  } finally {
    await stage.close()
  }
}

function check(stage: Stage, told: readonly Told[], warm: number): void {
  const memory = (part: readonly Told[]): number => Math.max(0, ...part.flatMap(each => each.memory ?? []))
  const [before, after] = [memory(told.slice(0, warm)), memory(told.slice(warm))]
  const lost = told.filter(({ state }) => state === 'connecting').length
  stage.check(lost <= 1, 'the subscriber has lost its connection')
  stage.check(after - before <= MAX_GROWTH, `memory has grown by ${mebibytes(after - before)}`)
  stage.notes.push(`memory went from ${mebibytes(before)} to at most ${mebibytes(after)}`)
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`
}
