import type { Socket as NodeSocket } from 'node:net'
import { formatAddress } from '../address.js'
import type { Ends } from './message-socket.js'

/** The addresses of an open connection; the system forgets them when the peer has gone already. */
export function endsOf({ localAddress, localPort, remoteAddress, remotePort }: NodeSocket): Ends {
  return {
    local: formatAddress(localAddress ?? 'unknown', localPort ?? 0),
    remote: remoteAddress === undefined ? 'an unknown peer' : formatAddress(remoteAddress, remotePort ?? 0),
  }
}
