import { RpcError } from '../core/index.js'
import { isServiceName } from './checked.js'
import type { Instance } from './registry.js'

/** Addresses by name of the service. */
export type StaticNodes = { readonly [service: string]: string | readonly string[] }

/** The version of nodes that say none: go-micro's. */
const VERSION = 'latest'
const MAX_PORT = 65_535

/**
 * Reads nodes that are written down, as text `service=host:port,host:port;…` or by service.
 * Throws INVALID_ARGUMENT (reason `invalid_nodes`) that lists every fault; `owner` says where they were written.
 */
export function parseNodes(nodes: string | StaticNodes, owner: string): readonly Instance[] {
  const faults: string[] = []
  const entries = typeof nodes === 'string' ? entriesIn(nodes, faults) : Object.entries(nodes)
  const instances: Instance[] = []
  const seen = new Set<string>()
  for (const [name, given] of entries) {
    if (!isServiceName(name)) {
      faults.push(`${JSON.stringify(name)} is no name of a service`)
      continue
    }
    const addresses = [given].flat()
    if (addresses.length === 0) faults.push(`${name} has no address`)
    for (const address of addresses) {
      const fault = seen.has(`${name} ${address}`) ? 'stands there twice' : addressFault(address)
      seen.add(`${name} ${address}`)
      if (fault === undefined) instances.push(instanceOf(name, address, instances.length))
      else faults.push(`${name}: ${JSON.stringify(address)} ${fault}`)
    }
  }
  if (faults.length === 0 && instances.length === 0) faults.push('there are none: service=host:port,host:port;…')
  if (faults.length === 0) return instances
  throw new RpcError('INVALID_ARGUMENT', `${owner}: ${faults.join('; ')}`, { reason: 'invalid_nodes', details: faults })
}

function entriesIn(text: string, faults: string[]): readonly (readonly [string, readonly string[]])[] {
  return text
    .split(';')
    .map(part => part.trim())
    .filter(part => part !== '')
    .flatMap(part => {
      const equals = part.indexOf('=')
      if (equals < 0) {
        faults.push(`${JSON.stringify(part)} has no =, as in service=host:port`)
        return []
      }
      const addresses = part.slice(equals + 1).split(',')
      const entry = [part.slice(0, equals).trim(), addresses.map(address => address.trim())] as const
      return [entry]
    })
}

/** What is wrong with an address. Transports know their own forms; what is wrong in all of them is found here. */
function addressFault(address: unknown): string | undefined {
  if (typeof address !== 'string' || address === '') return 'is not a text with an address'
  if (/\s/.test(address)) return 'has white space'
  if (/^[a-z]+:\/\/.|^(?:unix|memory):./.test(address)) return undefined
  const [, host, port] = /^(.*):(\d+)$/.exec(address) ?? []
  if (host === undefined) return 'has no port, as in host:port'
  if (host === '') return 'has no host, as in host:port'
  if (host.includes(':') && !/^\[[^[\]]+\]$/.test(host)) return 'has an IPv6 address without brackets'
  return Number(port) >= 1 && Number(port) <= MAX_PORT ? undefined : `has a port that is not 1 to ${MAX_PORT}`
}

function instanceOf(name: string, address: string, index: number): Instance {
  // In the order in which they were written, which is that of the ids as far as they have as many digits.
  const id = `static-${String(index + 1).padStart(3, '0')}`
  return { name, version: VERSION, metadata: {}, endpoints: [], node: { id, address, metadata: {} } }
}
