import { startNats, startNatsCluster } from '../support/nats-server.js'
import type { Outcome } from './outcome.js'
import type { SubscriberParty } from './party.js'
import { Stage } from './stage.js'

/** Something that happens while messages are published and processed, and from which all recover. */
export interface DurableFault {
  /** What happens. */
  readonly name: string
  /** How many servers there are. @default 1 */
  readonly servers?: number
  /** How long subscribers work on a message, ms. @default 0 */
  readonly workMs?: number
  /** Among how many keys messages are dealt, which are in order then. @default none has a key */
  readonly keys?: number
  /** How long an acknowledgement is waited for, ms. @default 30_000 */
  readonly ackWaitMs?: number
  /** How often members lose the way to the server. @default 1 */
  readonly losses?: number
  /** Whether parties reach the server through something that `strike` can cut. @default false */
  readonly isProxied?: boolean
  /** Makes it happen, and mends it. */
  readonly strike: (stage: Stage, between: Between) => Promise<void>
}

/** What lies between parties and the server, and how to get another party. */
export interface Between {
  /** Holds back, or lets through, everything. */
  readonly setCut: (isCut: boolean) => void
  /** Ends every connection; who dials again gets through. */
  readonly reset: () => void
  /** Starts one more member of the group. */
  readonly join: () => Promise<unknown>
}

const MEMBERS = 2
const WINDOW = 64
const IN_FLIGHT = 256
/** What each member has in hand, and what it has acknowledged without the server knowing yet. */
const IN_HAND = MEMBERS * 2 * WINDOW
/** Most time that all of it may take after the fault, ms. */
const RECOVERY_MS = 180_000

/**
 * `count` messages over JetStream: a process publishes them, two members of a queue group process them, and when half of
 * them are published the fault strikes. All must be processed, and each again only as often as the bound says.
 */
export async function runDurable(fault: DurableFault, count: number): Promise<Outcome> {
  const { servers = 1 } = fault
  const stage = new Stage(servers === 1 ? [await startNats()] : await startNatsCluster(servers))
  try {
    return await play(fault, count, stage)
  } finally {
    await stage.close()
  }
}

async function play(fault: DurableFault, count: number, stage: Stage): Promise<Outcome> {
  const {
    name,
    servers: replicas = 1,
    losses = 1,
    workMs = 0,
    keys,
    ackWaitMs = 30_000,
    isProxied = false,
    strike,
  } = fault
  const proxies = isProxied ? await Promise.all(Array.from({ length: MEMBERS + 1 }, () => stage.proxied())) : []
  const addresses = (index: number): readonly string[] => proxies[index]?.addresses ?? stage.addresses
  const engine = 'jetstream'
  const join = (index: number): Promise<unknown> => {
    const party: SubscriberParty = {
      engine,
      servers: addresses(index),
      replicas,
      queue: 'q',
      window: WINDOW,
      ordered: keys !== undefined,
      workMs,
      ackWaitMs,
    }
    return stage.subscribe(party)
  }
  await Promise.all(Array.from({ length: MEMBERS }, (_, index) => join(index)))
  stage.publish({ engine, servers: addresses(MEMBERS), replicas, count, inFlight: IN_FLIGHT, ...(keys && { keys }) })
  await stage.until('half of the confirmations', ({ confirmed }) => confirmed.size >= count / 2, RECOVERY_MS)

  const setCut = (isCut: boolean): void => proxies.forEach(({ proxy }) => (isCut ? proxy.pause() : proxy.resume()))
  const reset = (): void => proxies.forEach(({ proxy }) => proxy.cut())
  await strike(stage, { setCut, reset, join: () => join(0) })
  await stage.until('an end of every publish', ({ settled }) => settled >= count, RECOVERY_MS)
  await stage.until('all that was confirmed', ({ missing }) => missing.length === 0, RECOVERY_MS)
  await stage.leave()

  const maxDuplicates = losses * IN_HAND + stage.unwritten
  const { confirmed, refused, processed, missing, duplicates } = stage.ledger
  stage.check(refused.size === 0, `${refused.size} messages were refused`)
  stage.check(confirmed.size === count, `${confirmed.size} of ${count} messages were confirmed`)
  stage.check(missing.length === 0, `${missing.length} messages are missing: ${missing.slice(0, 5).join(', ')}…`)
  stage.check(processed.size <= count, `${processed.size} messages were processed`)
  stage.check(
    duplicates <= maxDuplicates,
    `${duplicates} messages were processed again, at most ${maxDuplicates} may be`,
  )
  if (keys !== undefined) {
    const overtaken = stage.ledger.overtaken(keys)
    stage.check(
      overtaken.length === 0,
      `${overtaken.length} messages came behind later ones of their key: ${overtaken[0]}…`,
    )
  }
  return stage.outcome(name, count, maxDuplicates)
}
