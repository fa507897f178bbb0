import { actor, createService, memoryRegistry, paced, rsocket } from 'millrace'
import { serveBareNats } from './bare-nats-echo.js'
import { serveBare } from './bare-net.js'
import { Echo } from './echo.js'
import { anyAddress, benchTransport, natsServer } from './network.js'
import { itemOf } from './payload.js'

/** The server process of one candidate, which its argument names: tells its parent where it listens. */
const listening = (address: string): void => void process.send?.(address)

function* items(count: number): Generator<ReturnType<typeof itemOf>> {
  for (let id = 0; id < count; id++) yield itemOf(id)
}

if (process.argv[2] === 'bareNet') serveBare(listening)
else if (process.argv[2] === 'bareNats') void serveBareNats(natsServer ?? '', listening)
else {
  const echo = actor(Echo, {
    unary: item => item,
    stream: count => paced(items(count)),
    duplex: item$ => item$,
  })
  createService({
    actors: [echo],
    protocol: rsocket(benchTransport()),
    registry: memoryRegistry(),
    address: anyAddress,
  })
    .run()
    .subscribe(status => {
      if (status.state === 'listening') listening(status.address)
    })
}
process.on('disconnect', () => process.exit(0))
