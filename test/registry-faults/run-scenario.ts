import { firstValueFrom, timer } from 'rxjs'
import { Child } from '../support/child.js'
import { becomes } from '../support/deadline.js'
import { startEtcd } from '../support/etcd-server.js'
import { PausingProxy } from '../support/pausing-proxy.js'
import type { Scenario, Stage } from './scenario.js'
import type { Party, Told } from './told.js'

/** How a scenario went. */
export interface Outcome {
  /** What happened. */
  readonly scenario: string
  /** Most time that each of those below may take, ms. */
  readonly boundMs: number
  /** From the end of the fault until the watcher saw what is true, ms; 0 when it never saw anything else. */
  readonly watcherMs: number
  /** From the end of the fault until all nodes that live were registered, ms; 0 when they always were. */
  readonly ownerMs: number
  /** From the end of the fault, or from its death where the watcher could see that, until a dead node was in no snapshot, ms. */
  readonly removedMs: number
  /** What went wrong, a sentence each. */
  readonly failures: readonly string[]
}

const OWNED = ['lines/a', 'report/a', 'words/a', 'words/b'] as const
/** Of a process that is killed while the fault lasts. */
const DYING = ['report/z', 'words/z'] as const
/** Of a process that comes while the fault lasts. */
const COMING = ['words/c'] as const
const TRUTH: readonly string[] = [...OWNED, ...COMING].toSorted()

const PREFIX = '/faults'
/** How much longer than the bound is waited, so that what took too long is measured. */
const GRACE_MS = 20_000
/** Time that processes have to start, all at once on a machine that has more to do, ms. */
const START_MS = 30_000
/** Time that a process has to end after it was told to, ms. */
const LEAVE_MS = 8000

/**
 * Two tries to reach etcd, the first of which fails: a pause each, and what a call takes. Who died meanwhile is gone when
 * its lease is over, which a restart prolongs.
 */
export function boundOf(ttlMs: number): number {
  return Math.max(7000, ttlMs + 2000)
}

/** Plays a scenario: four processes around an etcd of its own. */
export async function runScenario(scenario: Scenario, boundMs: number = boundOf(scenario.ttlMs)): Promise<Outcome> {
  const server = await startEtcd()
  const stage: Stage = { server, owner: new PausingProxy(server.port), watcher: new PausingProxy(server.port) }
  const children: Child[] = []
  try {
    return await play({ ...scenario, boundMs }, stage, children)
  } finally {
    for (const child of children) child.signal('SIGKILL')
    await Promise.all([stage.owner.close(), stage.watcher.close(), server.stop()])
  }
}

async function play(
  scenario: Scenario & { readonly boundMs: number },
  stage: Stage,
  children: Child[],
): Promise<Outcome> {
  const { name, lastsMs, ttlMs, boundMs } = scenario
  const { keys } = stage.server
  const join = (port: number, does: Partial<Party>): Child => {
    const party: Party = { endpoint: `127.0.0.1:${port}`, prefix: PREFIX, ttlMs, nodes: [], watches: false, ...does }
    const child = new Child('test/registry-faults/party.ts', [JSON.stringify(party)])
    children.push(child)
    return child
  }
  const owner = join(await stage.owner.listen(), { nodes: OWNED })
  const dying = join(stage.server.port, { nodes: DYING })
  const watcher = join(await stage.watcher.listen(), { watches: true })
  await becomes(async () => isSame(lastOf(watcher)?.view, [...OWNED, ...DYING].toSorted()), START_MS, 'the first view')

  await scenario.begin(stage)
  const diedAt = Date.now()
  dying.signal('SIGKILL')
  const coming = join(stage.server.port, { nodes: COMING })
  await passes(lastsMs / 2)
  await scenario.halfway?.(stage)
  await passes(lastsMs / 2)
  await scenario.heal(stage)
  const healedAt = Date.now()

  const failures: string[] = []
  const check = async (what: string, is: () => Promise<boolean>, ms: number): Promise<void> => {
    await becomes(is, ms, what).catch((error: Error) => failures.push(error.message))
  }
  const registered = async (): Promise<boolean> => isSame(await keysOf(stage), TRUTH)
  await check('the true view', async () => isTrue(lastOf(watcher)), boundMs + GRACE_MS)
  await check('every live node registered once', registered, boundMs + GRACE_MS)
  await check('a registration that is not lost', async () => lostNodes(owner).length === 0, boundMs + GRACE_MS)
  // Leases that nobody keeps have run out by then.
  await passes(Math.max(0, healedAt + ttlMs + 2000 - Date.now()))
  const seen = toldBy(watcher)
  const since = (at: number, from = healedAt): number => Math.max(0, at - from)
  const watcherMs = since(nextAt(seen, each => !isTrue(each)))
  const ownerMs = since(Math.max(...toldBy(owner, coming).flatMap(({ lost, at }) => (lost === '' ? [at] : []))))
  const removedMs = since(nextAt(seen, shows(DYING)), scenario.isSeen ? diedAt : healedAt)
  if (watcherMs > boundMs) failures.push(`the watcher was wrong for ${watcherMs} ms, at most ${boundMs}`)
  if (ownerMs > boundMs) failures.push(`a live node was not registered for ${ownerMs} ms, at most ${boundMs}`)
  if (removedMs > boundMs) failures.push(`a dead node was shown for ${removedMs} ms, at most ${boundMs}`)
  if (scenario.isSeen) failures.push(...lostTooLate(toldBy(owner), seen))
  if (!isTrue(lastOf(watcher))) failures.push(`at the end the watcher sees ${JSON.stringify(lastOf(watcher))}`)
  if (!(await registered())) failures.push(`at the end there are ${JSON.stringify(await keysOf(stage))}`)
  const leases = await keys.leases()
  if (leases.length !== TRUTH.length) failures.push(`${leases.length} leases for ${TRUTH.length} nodes`)

  for (const child of [owner, coming, watcher]) {
    child.endInput()
    await child.ends(LEAVE_MS).catch((error: Error) => failures.push(error.message))
  }
  await check('that no key is left', async () => (await keysOf(stage)).length === 0, 1000)
  return { scenario: name, boundMs, watcherMs, ownerMs, removedMs, failures }
}

async function passes(ms: number): Promise<void> {
  await firstValueFrom(timer(ms))
}

async function keysOf({ server }: Stage): Promise<readonly string[]> {
  const records = await server.keys.under(`${PREFIX}/`)
  return records.map(({ key }) => key.slice(PREFIX.length + 1))
}

function toldBy(...children: readonly Child[]): readonly Told[] {
  return children.flatMap(({ told }) => told as unknown as readonly Told[])
}

function lastOf(child: Child): Told | undefined {
  return toldBy(child).at(-1)
}

function isTrue(told: Told | undefined): boolean {
  return told?.stale === false && isSame(told.view, TRUTH)
}

function isSame(some: readonly string[] | undefined, others: readonly string[]): boolean {
  return some?.toSorted().join() === others.join()
}

/** When it told something else than `which` for the first time after it had told that for the last time. */
function nextAt(told: readonly Told[], which: (told: Told) => boolean): number {
  return told[told.findLastIndex(which) + 1]?.at ?? Infinity
}

function shows(nodes: readonly string[]): (told: Told) => boolean {
  return ({ view = [] }) => nodes.some(node => view.includes(node))
}

/** Nodes that were gone for others before their owner said that they were lost. */
function lostTooLate(owner: readonly Told[], seen: readonly Told[]): readonly string[] {
  return OWNED.flatMap(node => {
    const lostAt = owner.find(each => each.node === node && each.lost !== '')?.at ?? Infinity
    const goneAt = nextAt(seen.slice(0, seen.findLastIndex(each => !shows([node])(each)) + 1), shows([node]))
    return lostAt <= goneAt ? [] : [`${node} was gone ${lostAt - goneAt} ms before its owner knew`]
  })
}

function lostNodes(child: Child): readonly string[] {
  const last = new Map(toldBy(child).map(({ node = '', lost }) => [node, lost !== '']))
  return [...last].filter(([, isLost]) => isLost).map(([node]) => node)
}
