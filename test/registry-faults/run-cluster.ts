import { firstValueFrom, timer } from 'rxjs'
import { Child } from '../support/child.js'
import { becomes } from '../support/deadline.js'
import { startEtcdCluster, type EtcdServer } from '../support/etcd-server.js'
import type { Calls } from './calls.js'
import { PREFIX, services, TTL_MS } from './many-services.js'

/** What came of a cluster whose leader was killed. */
export interface ClusterOutcome extends Calls {
  /** Clients, each with a watch of its own. */
  readonly clients: number
  /** From the kill until the others had a leader, ms. */
  readonly leaderMs: number
  /** What went wrong, a sentence each. */
  readonly problems: readonly string[]
}

const MEMBERS = 3
const HOSTS = 3
const CALLERS = 5
const CLIENTS_EACH = 40
const START_MS = 60_000
const LEAVE_MS = 15_000

/**
 * Fifty services, each in three processes, and two hundred clients in five others that call them all the time. The leader of
 * three members of etcd is killed, and a fourth process with the services comes before that member is back.
 */
export async function runCluster(): Promise<ClusterOutcome> {
  const members = await startEtcdCluster(MEMBERS)
  const children: Child[] = []
  try {
    return await play(members, children)
  } finally {
    for (const child of children) child.signal('SIGKILL')
    await Promise.all(members.map(member => member.stop()))
  }
}

async function play(members: readonly EtcdServer[], children: Child[]): Promise<ClusterOutcome> {
  const endpoints = members.map(({ port }) => `127.0.0.1:${port}`)
  const start = (program: string, ...args: readonly string[]): Child => {
    const child = new Child(`test/registry-faults/${program}.ts`, [...args, ...endpoints])
    children.push(child)
    return child
  }
  const hosts = Array.from({ length: HOSTS }, () => start('host'))
  await Promise.all(hosts.map(host => host.tells('registered', START_MS)))
  const firstOf = (caller: number): string => String(caller * CLIENTS_EACH)
  const callers = Array.from({ length: CALLERS }, (_, index) => start('caller', String(CLIENTS_EACH), firstOf(index)))
  await Promise.all(callers.map(caller => caller.tells('ready', START_MS)))

  const [leader, ...others] = await byLeadership(members)
  if (leader === undefined) throw new Error('a cluster has a leader')
  const killedAt = Date.now()
  await leader.kill()
  await becomes(async () => (await byLeadership(others)).length > 0, 10_000, 'another leader')
  const leaderMs = Date.now() - killedAt
  hosts.push(start('host'))
  await hosts.at(-1)?.tells('registered', START_MS)
  await passes(TTL_MS)
  await leader.restart()
  await passes(TTL_MS)

  for (const caller of callers) caller.endInput()
  const told = (await Promise.all(callers.map(caller => caller.tells('calls', LEAVE_MS)))) as Calls[]
  const problems: string[] = []
  const nodes = await others[0]?.keys.under(`${PREFIX}/`)
  if (nodes?.length !== services.length * hosts.length) problems.push(`${nodes?.length} nodes are registered`)
  for (const host of hosts) host.signal('SIGTERM')
  for (const child of children) {
    await child.ends(LEAVE_MS).catch((error: Error) => problems.push(error.message))
  }
  const calls = sumOf(told)
  if (calls.failures.length > 0) problems.push(`${calls.failures.length} calls failed: ${calls.failures[0]}`)
  return { clients: CALLERS * CLIENTS_EACH, leaderMs, ...calls, problems }
}

/** The members that answer, the leader first; none while there is no leader. */
async function byLeadership(members: readonly EtcdServer[]): Promise<readonly EtcdServer[]> {
  const leads = await Promise.all(members.map(({ keys }) => keys.leads().catch(() => false)))
  const leader = members.find((_, index) => leads[index])
  return leader === undefined ? [] : [leader, ...members.filter(member => member !== leader)]
}

async function passes(ms: number): Promise<void> {
  await firstValueFrom(timer(ms))
}

function sumOf(all: readonly Calls[]): Calls {
  const most = (of: (calls: Calls) => number): number => Math.max(...all.map(of))
  const sum = (of: (calls: Calls) => number): number => all.reduce((total, calls) => total + of(calls), 0)
  return {
    answered: sum(({ answered }) => answered),
    failures: all.flatMap(({ failures }) => failures),
    p99Ms: most(({ p99Ms }) => p99Ms),
    slowestMs: most(({ slowestMs }) => slowestMs),
    staleWatches: sum(({ staleWatches }) => staleWatches),
    longestStaleMs: most(({ longestStaleMs }) => longestStaleMs),
  }
}
