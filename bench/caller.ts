import { createClient, memoryRegistry, rsocket } from 'millrace'
import { tcp } from 'millrace/transport/tcp'
import { NEVER, startWith } from 'rxjs'
import { bareCaller } from './bare-net.js'
import { Echo } from './echo.js'
import type { Item } from './payload.js'

/** Makes one call and says when its reply is there. */
export type Caller = (item: Item, done: () => void) => void

/** A caller of the candidate's server. */
export function callerOf(candidate: string, address: string): Promise<Caller> {
  if (candidate === 'bareNet') return new Promise(resolve => bareCaller(address, resolve))
  const registry = memoryRegistry()
  const node = { id: 'echo-1', address, metadata: { protocol: 'rsocket', transport: 'tcp' } }
  registry
    .register(NEVER.pipe(startWith({ name: 'echo', version: '1.0.0', metadata: {}, endpoints: [], node })))
    .subscribe()
  const echo = createClient({ protocol: rsocket(tcp()), registry }).of(Echo)
  return Promise.resolve((item, done) => {
    echo.unary(item).subscribe({ complete: done })
  })
}
