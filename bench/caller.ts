import { bareNatsCaller } from './bare-nats-echo.js'
import { bareCaller } from './bare-net.js'
import { clientOf } from './client-of.js'
import { Echo } from './echo.js'
import type { Item } from './payload.js'

/** Makes one call and says when its reply is there. */
export type Caller = (item: Item, done: () => void) => void

/** A caller of the candidate's server. */
export function callerOf(candidate: string, address: string): Promise<Caller> {
  if (candidate === 'bareNet') return new Promise(resolve => bareCaller(address, resolve))
  if (candidate === 'bareNats') return bareNatsCaller(address)
  const echo = clientOf('echo', address).of(Echo)
  return Promise.resolve((item, done) => {
    echo.unary(item).subscribe({ complete: done })
  })
}
