import { actor, createService, memoryRegistry, rsocket } from 'millrace'
import { tcp } from 'millrace/transport/tcp'
import { options, Replies } from './long-reply.js'

/** The server process: tells its parent where it listens. */
const replies = actor(Replies, { short: item => item, long: bytes => new Uint8Array(bytes) })
createService({
  actors: [replies],
  protocol: rsocket(tcp(), options),
  registry: memoryRegistry(),
  address: '127.0.0.1:0',
})
  .run()
  .subscribe(status => {
    if (status.state === 'listening') process.send?.(status.address)
  })
process.on('disconnect', () => process.exit(0))
