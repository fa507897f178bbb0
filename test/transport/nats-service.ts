// A service at a subject of a nats-server, to be killed: its arguments are the server and the address. Tells its address.
import { actor, createServer } from 'millrace/actors'
import { rsocket } from 'millrace/protocol/rsocket'
import { natsConnection, natsTransport } from 'millrace/transport/nats'
import { NEVER } from 'rxjs'
import { tell } from '../faults/tell.js'
import { Mortal } from './mortal.js'

const [, , nats = '', place = ''] = process.argv
const mortal = actor(Mortal, { pid: () => process.pid, size: bytes => bytes.length, never: () => NEVER })
const server = createServer({ actors: [mortal] })
rsocket(natsTransport(natsConnection({ servers: [nats] })))
  .listen(place, () => server)
  .subscribe(({ address }) => tell({ address }))
// The process that started it may die in any way.
process.stdin.resume().on('end', () => process.exit())
