import type { Socket as NodeSocket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { formatAddress } from './address.js'
import type { Ends } from './ends.js'
import { shownCertificate } from './tls-identity.js'

/** The ends of an open connection over IP; the system forgets the addresses when the peer has gone already. */
export function ipEnds(socket: NodeSocket, remote = 'an unknown peer'): Ends {
  const { localAddress, localPort, remoteAddress, remotePort } = socket
  const peerCertificate = socket instanceof TLSSocket ? shownCertificate(socket) : undefined
  return {
    local: formatAddress(localAddress ?? 'unknown', localPort ?? 0),
    remote: remoteAddress === undefined ? remote : formatAddress(remoteAddress, remotePort ?? 0),
    ...(peerCertificate && { peerCertificate }),
  }
}
