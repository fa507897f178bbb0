import { isIP } from 'node:net'
import type { Runtime } from '../../core/index.js'
import { parseDialAddress } from '../address.js'

/** Where a server is. */
export interface NatsServerAddress {
  /** The whole of it, `127.0.0.1:4222`. */
  readonly address: string
  /** The host of that. */
  readonly host: string
  /** The port of that. */
  readonly port: number
  /** Name that its certificate must have: of a server that was told as an IP address, that of the one who told. */
  readonly certificateHost: string
}

/** The servers of a cluster in the order in which they are tried: those that were given, and those that they told. */
export class ServerList {
  private readonly given: readonly NatsServerAddress[]
  private order: readonly NatsServerAddress[]

  constructor(servers: readonly string[], runtime: Runtime) {
    const drawn = servers.map(server => ({ server: addressOf(server), at: runtime.random() }))
    this.given = drawn.toSorted((one, other) => one.at - other.at).map(({ server }) => server)
    this.order = this.given
  }

  /** All of them, the best to try first. */
  get all(): readonly NatsServerAddress[] {
    return this.order
  }

  /** Takes in what one of them has told of the cluster; those told before count no more. */
  learn(teller: string, told: readonly string[]): void {
    const from = this.order.find(({ address }) => address === teller)
    if (from === undefined || told.length === 0) return
    const known = new Set([...this.given.map(({ address }) => address), ...told])
    const kept = this.order.filter(({ address }) => known.delete(address))
    this.order = [...kept, ...[...known].map(server => learnt(server, from))]
  }

  /** Has others tried before one that has failed. */
  postpone(failed: string): void {
    const [last, others] = [this.order.filter(({ address }) => address === failed), this.order]
    this.order = [...others.filter(({ address }) => address !== failed), ...last]
  }
}

function addressOf(address: string): NatsServerAddress {
  const { host, port } = parseDialAddress(address)
  return { address, host, port, certificateHost: host }
}

function learnt(server: string, teller: NatsServerAddress): NatsServerAddress {
  const address = addressOf(server)
  return isIP(address.host) === 0 ? address : { ...address, certificateHost: teller.certificateHost }
}
