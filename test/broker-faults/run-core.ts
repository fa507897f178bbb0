import { startNats } from '../support/nats-server.js'
import type { Outcome } from './outcome.js'
import type { Told } from './party.js'
import { passes, Stage } from './stage.js'

/** Something that happens to a server of core NATS. */
export interface CoreFault {
  /** What happens. */
  readonly name: string
  /** Makes it happen, and mends it. */
  readonly strike: (stage: Stage) => Promise<void>
}

const DOWN_MS = 1000
const SILENT_MS = 20_000
const WINDOW = 64
const IN_FLIGHT = 256
/** How long messages leave: so long that some do while nobody is subscribed. */
const PUBLISHING_MS = 4000
/** Most time until all publishes have ended, ms. */
const RECOVERY_MS = 60_000

const killed: CoreFault = {
  name: 'core NATS: server killed and restarted',
  strike: async ({ server }) => {
    await server.kill()
    await passes(DOWN_MS)
    await server.restart()
  },
}

const frozen: CoreFault = {
  name: 'core NATS: server frozen for 20 s',
  strike: async ({ server }) => {
    server.pause()
    await passes(SILENT_MS)
    server.resume()
  },
}

/** What happens to a server of core NATS. */
export const coreFaults: readonly CoreFault[] = [killed, frozen]

/** Those of them that are over soon. */
export const quickCoreFaults: readonly CoreFault[] = [killed]

/**
 * `count` messages over core NATS, from one process to another, and a fault when half of them are published. Each publish
 * ends, nothing comes twice or from nowhere, and what was confirmed and did not arrive was published between the last
 * delivery before the fault and the first after it.
 */
export async function runCore({ name, strike }: CoreFault, count: number): Promise<Outcome> {
  const stage = new Stage([await startNats({ jetStream: false })])
  try {
    const party = { engine: 'nats', servers: stage.addresses } as const
    const subscriber = await stage.subscribe({ ...party, window: WINDOW, workMs: 0, ackWaitMs: 30_000 })
    stage.publish({ ...party, count, inFlight: IN_FLIGHT, perSecond: Math.ceil(count / (PUBLISHING_MS / 1000)) })
    await stage.until('half of the confirmations', ({ confirmed }) => confirmed.size >= count / 2)
    await strike(stage)
    await stage.until('an end of every publish', ({ settled }) => settled >= count, RECOVERY_MS)
    const last = Math.max(...stage.ledger.confirmed.keys())
    await stage.until('the last message', ({ processed }) => processed.has(last))
    await stage.leave()
    check(stage, count, subscriber.told as unknown as readonly Told[])
    return stage.outcome(name, count, 0)
  } finally {
    await stage.close()
  }
}

function check(stage: Stage, count: number, told: readonly Told[]): void {
  const { confirmed, refused, processed, duplicates, missing, settled } = stage.ledger
  stage.check(settled === count, `${settled} of ${count} publishes have ended`)
  stage.check(duplicates === 0, `${duplicates} messages came twice`)
  const unknown = [...processed.keys()].filter(number => !confirmed.has(number) && refused.get(number) !== false)
  stage.check(unknown.length === 0, `${unknown.length} messages came that were surely not published: ${unknown[0]}…`)
  const [before, after] = gapOf(told)
  stage.check(before !== undefined && after !== undefined, 'the subscriber did not lose its connection and get another')
  const outside = missing.filter(number => !(number > (before ?? Infinity) && number < (after ?? 0)))
  stage.check(
    outside.length === 0,
    `${outside.length} confirmed messages are missing outside of the gap: ${outside[0]}…`,
  )
  const overtaken = stage.ledger.overtaken(1)
  stage.check(overtaken.length === 0, `${overtaken.length} messages came behind later ones: ${overtaken[0]}…`)
  stage.notes.push(`${missing.length} confirmed messages were not received, all between ${before} and ${after}`)
}

/** The last message before the subscriber connected again, and the first after that. */
function gapOf(told: readonly Told[]): readonly [before: number | undefined, after: number | undefined] {
  const again = told.findLastIndex(({ state }) => state === 'connected')
  const lost = told.findIndex(({ state }, index) => state === 'connecting' && index > 0 && index < again)
  if (lost === -1) return [undefined, undefined]
  const numbers = (part: readonly Told[]): readonly number[] => part.flatMap(({ done }) => done ?? [])
  return [numbers(told.slice(0, again)).at(-1), numbers(told.slice(again)).at(0)]
}
