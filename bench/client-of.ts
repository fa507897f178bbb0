import { createClient, memoryRegistry, rsocket, type Client, type RSocketOptions } from 'millrace'
import { NEVER, startWith } from 'rxjs'
import { benchTransport } from './network.js'

/** A client that knows one service, at `address`. */
export function clientOf(name: string, address: string, options?: RSocketOptions): Client {
  const registry = memoryRegistry()
  const transport = benchTransport()
  const node = { id: `${name}-1`, address, metadata: { protocol: 'rsocket', transport: transport.name } }
  registry.register(NEVER.pipe(startWith({ name, version: '1.0.0', metadata: {}, endpoints: [], node }))).subscribe()
  return createClient({ protocol: rsocket(transport, options), registry })
}
