import { type Actor, type Broker, createService } from 'millrace'
import { rsocket } from 'millrace/protocol/rsocket'
import { mdns } from 'millrace/registry/mdns'
import { tcp } from 'millrace/transport/tcp'
import { fromEvent, take } from 'rxjs'
import { orderBroker } from './broker.js'

/** What a process of the example is told by the one that starts it. */
export interface Settings {
  /** The broker. */
  readonly broker: Broker
  /** Where the ledgers are. */
  readonly folder: string
  /** Id of the run. */
  readonly run: string
}

/** The arguments of this process. */
export function settings(): Settings {
  const [, , server = '', folder = '', run = ''] = process.argv
  return { broker: orderBroker(server), folder, run }
}

/** Runs a service as this process, for as long as its parent holds the other end of the channel that `fork` made. */
export function serve(actor: Actor, broker: Broker, name?: string): void {
  process.on('SIGINT', () => {}) // Ctrl-C goes to the whole group; the parent decides
  const service = createService({
    actors: [actor],
    broker,
    ...(name !== undefined && { name }),
    protocol: rsocket(tcp()),
    registry: mdns({ loopbackOnly: true }),
    address: '127.0.0.1:0',
    signals: [],
    drainMs: 2000,
  })
  const stop = fromEvent(process, 'disconnect').pipe(take(1))
  service.run({ stop }).subscribe({ complete: () => process.exit() })
}
