import type { NetworkInterfaceInfo } from 'node:os'

/** One network interface in one family of addresses: where packets leave, and come in. */
export interface Place {
  /** Tells it apart, and a person which one it is: `eth0 10.0.0.5`. */
  readonly name: string
  /** Family of its addresses. */
  readonly family: 'udp4' | 'udp6'
  /** Its own address; of IPv6 with the zone, `fe80::1%eth0`. */
  readonly address: string
  /** How sockets are told of the interface: its IPv4 address, or `::%eth0`. */
  readonly interface: string
}

/** What the system says of its network interfaces, as `os.networkInterfaces` does. */
export type Interfaces = () => { readonly [name: string]: readonly NetworkInterfaceInfo[] | undefined }

/** The place of one IPv4 address, whether there is such an interface or not. */
export function placeAt(address: string): Place {
  return { name: address, family: 'udp4', address, interface: address }
}

/**
 * The places of all interfaces that lead to other machines, one an interface and family; of the interface of this
 * machine, IPv4 only, when there is no other.
 */
export function placesOf(interfaces: Interfaces): readonly Place[] {
  const named = Object.entries(interfaces()).map(([name, addresses = []]) => ({ name, addresses }))
  const outside = named.flatMap(({ name, addresses }) => {
    const others = addresses.filter(({ internal }) => !internal)
    return [...v4Place(name, others), ...v6Place(name, others)]
  })
  return outside.length > 0 ? outside : named.flatMap(({ name, addresses }) => v4Place(name, addresses))
}

function v4Place(name: string, addresses: readonly NetworkInterfaceInfo[]): readonly Place[] {
  const own = addresses.find(({ family }) => family === 'IPv4')?.address
  return own === undefined ? [] : [{ ...placeAt(own), name: `${name} ${own}` }]
}

/** The group of IPv6 is the link's, so the address of the link comes first. */
function v6Place(name: string, addresses: readonly NetworkInterfaceInfo[]): readonly Place[] {
  const all = addresses.filter(({ family }) => family === 'IPv6')
  const own = (all.find(({ address }) => address.startsWith('fe80:')) ?? all[0])?.address
  if (own === undefined) return []
  const address = own.startsWith('fe80:') ? `${own}%${name}` : own
  return [{ name: `${name} ${own}`, family: 'udp6', address, interface: `::%${name}` }]
}
