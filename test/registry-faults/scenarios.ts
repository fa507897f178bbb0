import type { Scenario, Stage } from './scenario.js'

/** What ends a fault and what begins it, without how long it lasts. */
type Fault = Pick<Scenario, 'begin' | 'halfway' | 'heal'>

const killed: Fault = {
  begin: ({ server }) => server.kill(),
  heal: ({ server }) => server.restart(),
}

const frozen: Fault = {
  begin: ({ server }) => server.pause(),
  heal: ({ server }) => server.resume(),
}

function heldBack(cutOff: readonly Exclude<keyof Stage, 'server'>[]): Fault {
  return {
    begin: stage => cutOff.forEach(party => stage[party].pause()),
    heal: stage => cutOff.forEach(party => stage[party].resume()),
  }
}

const compacted: Fault = {
  begin: ({ owner, watcher }) => [owner, watcher].forEach(proxy => proxy.setDown(true)),
  // By then one process has gone and another come: what a watch would go on from is behind that.
  halfway: ({ server }) => server.keys.compact(),
  heal: ({ owner, watcher }) => [owner, watcher].forEach(proxy => proxy.setDown(false)),
}

const wiped: Fault = {
  begin: ({ server }) => server.kill(),
  heal: ({ server }) => server.wipe(),
}

/** Everything that happens to an etcd, for as long as it does. */
export const scenarios: readonly Scenario[] = [
  { name: 'killed for 3 s', ...killed, lastsMs: 3000, ttlMs: 5000 },
  { name: 'killed for 15 s', ...killed, lastsMs: 15_000, ttlMs: 5000 },
  { name: 'frozen for 20 s', ...frozen, lastsMs: 20_000, ttlMs: 5000 },
  { name: 'owner cut off for 20 s', ...heldBack(['owner']), isSeen: true, lastsMs: 20_000, ttlMs: 5000 },
  { name: 'watcher cut off for 20 s', ...heldBack(['watcher']), lastsMs: 20_000, ttlMs: 5000 },
  { name: 'both cut off for 20 s', ...heldBack(['owner', 'watcher']), lastsMs: 20_000, ttlMs: 5000 },
  { name: 'compacted while both are away', ...compacted, lastsMs: 12_000, ttlMs: 5000 },
  { name: 'data wiped', ...wiped, lastsMs: 1000, ttlMs: 5000 },
]

/** The same, as short as leases allow. */
export const quickScenarios: readonly Scenario[] = [
  { name: 'killed for 3 s', ...killed, lastsMs: 3000, ttlMs: 5000 },
  { name: 'frozen', ...frozen, lastsMs: 4000, ttlMs: 2000 },
  { name: 'cut off', ...heldBack(['owner', 'watcher']), lastsMs: 4000, ttlMs: 2000 },
  { name: 'compacted', ...compacted, lastsMs: 4000, ttlMs: 2000 },
  { name: 'wiped', ...wiped, lastsMs: 500, ttlMs: 2000 },
]
