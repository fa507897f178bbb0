import { actor, createService, memoryRegistry, rsocket } from 'millrace'
import { clientOf } from './client-of.js'
import { Load } from './load.js'
import { MemoryWatch } from './memory-watch.js'
import { anyAddress, benchTransport } from './network.js'

/** A process between client and server, which answers each call with a call of its own. */
const [, , address = '', window] = process.argv
const options = { window: Number(window) }
const upstream = clientOf('load', address, options).of(Load)
let memory = new MemoryWatch()

createService({
  actors: [actor(Load, { items: upstream.items, work: upstream.work, ping: upstream.ping })],
  protocol: rsocket(benchTransport(), options),
  registry: memoryRegistry(),
  address: anyAddress,
})
  .run()
  .subscribe(status => {
    if (status.state === 'listening') process.send?.(status.address)
  })

process.on('message', message => {
  const growthMb = memory.growthMb()
  if (message === 'watch') memory = new MemoryWatch()
  process.send?.(growthMb)
})
process.on('disconnect', () => process.exit(0))
