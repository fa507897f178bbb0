import type { Child } from '../support/child.js'
import { becomes } from '../support/deadline.js'
import type { NatsServer } from '../support/nats-server.js'
import type { Ledger } from './ledger.js'
import type { DurableFault } from './run-durable.js'
import { passes } from './stage.js'

const DOWN_MS = 1000
const RESETS = 20
const SILENT_MS = 20_000

const serverKilled: DurableFault = {
  name: 'JetStream: server killed and restarted',
  strike: async stage => {
    await stage.killServer(stage.server)
    await passes(DOWN_MS)
    await stage.server.restart()
  },
}

const memberKilled: DurableFault = {
  name: 'JetStream: member of a group killed',
  workMs: 30,
  ackWaitMs: 3000,
  strike: async (stage, { join }) => {
    stage.kill(busiest(stage.subscribers))
    await passes(DOWN_MS)
    await join()
    const cameAgain = ({ deliveries }: Ledger): boolean => deliveries.some(({ attempt = 1 }) => attempt > 1)
    await stage.until('what the dead one had in hand', cameAgain)
  },
}

const KEYS = 32

const orderedServerKilled: DurableFault = {
  ...serverKilled,
  name: 'JetStream, ordered: server killed and restarted',
  keys: KEYS,
  ackWaitMs: 3000,
}

const orderedMemberKilled: DurableFault = { ...memberKilled, name: 'JetStream, ordered: member killed', keys: KEYS }

const leaderKilled: DurableFault = {
  name: 'JetStream: leader of three servers killed',
  servers: 3,
  strike: async stage => {
    const leader = await leaderOf(stage.servers)
    await stage.killServer(leader)
    const others = stage.servers.filter(server => server !== leader)
    const killedAt = Date.now()
    await becomes(async () => (await leaderNames(others)).some(name => name !== leader.name), 30_000, 'another leader')
    stage.notes.push(`another leader of the stream after ${Date.now() - killedAt} ms`)
    await passes(DOWN_MS)
    await leader.restart()
  },
}

const frozen: DurableFault = {
  name: 'JetStream: server frozen for 20 s',
  strike: async ({ server }) => {
    server.pause()
    await passes(SILENT_MS)
    server.resume()
  },
}

const cut: DurableFault = {
  name: 'JetStream: network cut for 20 s',
  isProxied: true,
  strike: async (_, { setCut }) => {
    setCut(true)
    await passes(SILENT_MS)
    setCut(false)
  },
}

const reset: DurableFault = {
  name: 'JetStream: connections reset 20 times in 10 s',
  isProxied: true,
  workMs: 10,
  losses: RESETS,
  strike: async (_, { reset: resetAll }) => {
    for (let times = 0; times < RESETS; times++) {
      resetAll()
      await passes(DOWN_MS / 2)
    }
  },
}

const rolled: DurableFault = {
  name: 'JetStream: three servers killed one after the other',
  servers: 3,
  losses: 3,
  strike: async stage => {
    for (const server of stage.servers) {
      await stage.killServer(server)
      await passes(DOWN_MS)
      await server.restart()
      await becomes(async () => isHealthy(server), 60_000, 'a server that has caught up')
    }
  },
}

/** What happens to JetStream, and to those who use it. */
export const durableFaults: readonly DurableFault[] = [
  serverKilled,
  memberKilled,
  orderedServerKilled,
  orderedMemberKilled,
  leaderKilled,
  rolled,
  reset,
  frozen,
  cut,
]

/** Those of them that are over soon. */
export const quickDurableFaults: readonly DurableFault[] = [serverKilled, memberKilled]

/** Who has processed most: of an ordered group, who has its turn. */
function busiest(members: readonly Child[]): Child {
  const [most] = members.toSorted((a, b) => b.told.length - a.told.length)
  if (most === undefined) throw new Error('a group has members')
  return most
}

async function leaderOf(servers: readonly NatsServer[]): Promise<NatsServer> {
  const [name] = await leaderNames(servers)
  const leader = servers.find(server => server.name === name)
  if (leader === undefined) throw new Error(`${name} leads the stream, which is none of the servers`)
  return leader
}

/** Whether a server says that it has all that it is to have. */
async function isHealthy(server: NatsServer): Promise<boolean> {
  const { status } = await server.monitor('/healthz')
  return status === 'ok'
}

/** Who leads the stream, as each of the servers has it. */
async function leaderNames(servers: readonly NatsServer[]): Promise<readonly string[]> {
  const answers = await Promise.all(servers.map(server => server.monitor('/jsz?accounts=1&streams=1')))
  return answers.flatMap(answer => {
    const { account_details: accounts = [] } = answer as unknown as Jsz
    const streams = accounts.flatMap(({ stream_detail: details = [] }) => details)
    const leader = streams.find(({ name }) => name === 'faults')?.cluster?.leader
    return leader ? [leader] : []
  })
}

interface Jsz {
  readonly account_details?: readonly {
    readonly stream_detail?: readonly { readonly name: string; readonly cluster?: { readonly leader?: string } }[]
  }[]
}
