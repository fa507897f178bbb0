import { actor, createService } from 'millrace/actors'
import { rsocket } from 'millrace/protocol/rsocket'
import { etcd } from 'millrace/registry/etcd'
import { tcp } from 'millrace/transport/tcp'
import { PREFIX, services, TTL_MS } from './many-services.js'

// A process that serves all services until SIGTERM: `host ENDPOINT…`. Tells each state that it comes to.
const [, , ...endpoints] = process.argv
const actors = services.map(service => actor(service, { who: () => String(process.pid) }))
const registry = etcd({ endpoints, prefix: PREFIX, ttlMs: TTL_MS })
createService({ actors, protocol: rsocket(tcp()), registry, address: '127.0.0.1:0' })
  .run()
  .subscribe(({ state }) => process.stdout.write(`${JSON.stringify({ [state]: Date.now() })}\n`))
