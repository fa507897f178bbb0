import { actor, createService, memoryRegistry, paced, rsocket } from 'millrace'
import { tcp } from 'millrace/transport/tcp'
import { serveBare } from './bare-net.js'
import { Echo } from './echo.js'
import { itemOf } from './payload.js'

/** The server process of a bench: starts both candidates and tells where each listens. */
const addresses: Record<string, string> = {}

function listening(candidate: string, address: string): void {
  addresses[candidate] = address
  if (Object.keys(addresses).length === 2) process.send?.(addresses)
}

function* items(count: number): Generator<ReturnType<typeof itemOf>> {
  for (let id = 0; id < count; id++) yield itemOf(id)
}

const echo = actor(Echo, {
  unary: item => item,
  stream: count => paced(items(count)),
  duplex: item$ => item$,
})

serveBare(address => listening('bareNet', address))
createService({ actors: [echo], protocol: rsocket(tcp()), registry: memoryRegistry(), address: '127.0.0.1:0' })
  .run()
  .subscribe(status => {
    if (status.state === 'listening') listening('millrace', status.address)
  })
process.on('disconnect', () => process.exit(0))
