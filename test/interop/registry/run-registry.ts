import { spawnSync } from 'node:child_process'
import { silentLog, systemRuntime } from 'millrace/core'
import type { Registry } from 'millrace/registry'
import { etcd } from 'millrace/registry/etcd'
import { mdns } from 'millrace/registry/mdns'
import { Subscription } from 'rxjs'
import { startEtcd } from '../../support/etcd-server.js'
import { ensureServer, etcdProgram } from '../../support/find-server.js'
import type { Row } from '../row.js'
import { registryFeatures, type Engine, type RegistryFeature } from './features.js'
import { GoPeer } from './go-peer.js'

/** What is run. */
export interface RegistryRun {
  /** The go-micro process, built. */
  readonly program: string
  /** Where both meet. */
  readonly engine: Engine
  /** Who hears of each row. */
  readonly onRow: (row: Row) => void
}

/** Tries all that go-micro and millrace should see alike, one after the other. */
export async function runRegistry({ program, engine, onRow }: RegistryRun): Promise<readonly Row[]> {
  const place = engine === 'etcd' ? await etcdPlace() : mdnsPlace()
  const go = new GoPeer(program, place.args)
  const rows: Row[] = []
  try {
    for (const [index, feature] of registryFeatures.entries()) {
      if (feature.only !== undefined && feature.only !== engine) continue
      const cleanup = new Subscription()
      const another = (): GoPeer => new GoPeer(program, place.args)
      const bench = { engine, name: `interop${index}`, registry: place.registry, go, another, cleanup }
      const row = await rowOf(feature, engine, feature.run(bench))
      cleanup.unsubscribe()
      rows.push(row)
      onRow(row)
    }
    return rows
  } finally {
    await go.kill()
    await place.end()
  }
}

async function rowOf({ name, registers }: RegistryFeature, engine: Engine, attempt: Promise<void>): Promise<Row> {
  const start = performance.now()
  const outcome = await attempt.then(
    () => ({ result: 'pass' as const }),
    (error: unknown) => ({ result: 'fail' as const, reason: error instanceof Error ? error.message : String(error) }),
  )
  const role = registers === 'go-micro' ? 'registers' : 'looks'
  return {
    peer: 'go-micro',
    role,
    transport: engine,
    feature: name,
    ...outcome,
    ms: Math.round(performance.now() - start),
  }
}

interface Place {
  readonly registry: Registry
  readonly args: readonly string[]
  end(): Promise<void> | void
}

async function etcdPlace(): Promise<Place> {
  ensureServer(etcdProgram)
  const server = await startEtcd()
  const address = `127.0.0.1:${server.port}`
  return {
    registry: etcd({ endpoints: [address], ttlMs: 5000, log: silentLog }),
    args: ['-registry', 'etcd', '-address', address],
    end: () => server.stop(),
  }
}

function mdnsPlace(): Place {
  const domain = `interop-${systemRuntime().id().slice(0, 8)}`
  return { registry: mdns({ domain, log: silentLog }), args: ['-registry', 'mdns', '-domain', domain], end: () => {} }
}

/**
 * What a program is started with so that its multicast stays on this machine: go-micro sends on every interface, and here
 * there is one. `undefined` when that cannot be had, as by anybody but root.
 */
export function ownNetwork(): readonly string[] | undefined {
  const up = 'ip link set lo up multicast on && ip route add 224.0.0.0/4 dev lo && exec "$@"'
  const command = ['unshare', '--net', 'sh', '-c', up, 'sh'] as const
  const { status } = spawnSync(command[0], [...command.slice(1), 'true'])
  return status === 0 ? command : undefined
}
