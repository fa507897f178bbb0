import {
  createClient,
  createService,
  type Client,
  type ClientOptions,
  type ServiceOptions,
  type Status,
} from 'millrace/actors'
import { seededRuntime, silentLog, type Runtime } from 'millrace/core'
import type { Protocol } from 'millrace/protocol'
import { rsocket } from 'millrace/protocol/rsocket'
import { memoryRegistry, type Registry } from 'millrace/registry'
import { memoryTransport } from 'millrace/transport'
import { VirtualTimeScheduler, type Observable } from 'rxjs'
import { record, type Recording } from './recording.js'

/** Services and clients on one network, in virtual time. */
export interface VirtualCluster {
  readonly runtime: Runtime
  readonly registry: Registry
  readonly protocol: Protocol
  /** Runs everything that is due within the next `ms`. */
  advance(ms: number): void
  /** Runs a service and what is due at once. */
  serve(
    options: Partial<ServiceOptions> & Pick<ServiceOptions, 'actors'>,
    stop?: Observable<unknown>,
  ): Recording<Status>
  /** A client of the cluster. */
  client(options?: Partial<ClientOptions>): Client
}

/** An empty cluster; one seed, one course of events. */
export function virtualCluster(): VirtualCluster {
  const scheduler = new VirtualTimeScheduler()
  const runtime = seededRuntime({ scheduler, seed: 1 })
  const protocol = rsocket(memoryTransport({ runtime }), { runtime, log: silentLog })
  const registry = memoryRegistry({ runtime })
  let until = 0
  const advance = (ms: number): void => {
    until += ms
    scheduler.maxFrames = until
    scheduler.flush()
  }
  return {
    runtime,
    registry,
    protocol,
    advance,
    serve: (options, stop) => {
      const defaults = { protocol, registry, runtime, log: silentLog, address: 'memory:', signals: [] }
      const service = createService({ ...defaults, ...options })
      const statuses = record(service.run(stop === undefined ? {} : { stop }))
      advance(1)
      return statuses
    },
    client: options => createClient({ protocol, registry, runtime, log: silentLog, ...options }),
  }
}
