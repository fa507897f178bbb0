import { createClient, type Client } from 'millrace/actors'
import type { Log } from 'millrace/core'
import { rsocket, type RSocketOptions } from 'millrace/protocol/rsocket'
import { memoryRegistry } from 'millrace/registry'
import { tcp } from 'millrace/transport/tcp'
import { BehaviorSubject } from 'rxjs'

/** A client that knows one service, `victim`, at `address`. */
export function clientOf(address: string, log: Log, options: RSocketOptions = {}): Client {
  const registry = memoryRegistry()
  const node = { id: 'victim-1', address, metadata: { protocol: 'rsocket', transport: 'tcp' } }
  registry
    .register(new BehaviorSubject({ name: 'victim', version: '0.0.0', metadata: {}, endpoints: [], node }))
    .subscribe()
  return createClient({ protocol: rsocket(tcp(), { ...options, log }), registry, log })
}
