import type { Listener, Socket, Transport } from 'millrace/transport'
import { map } from 'rxjs'

/** Changes what a socket does. */
export type Alter = (socket: Socket) => Socket

/** `transport` whose sockets, at both ends, are altered. */
export function altered(transport: Transport, alter: Alter): Transport {
  return {
    name: transport.name,
    dial: address => transport.dial(address).pipe(map(alter)),
    listen: address =>
      transport
        .listen(address)
        .pipe(map((listener): Listener => ({ ...listener, sockets: listener.sockets.pipe(map(alter)) }))),
  }
}

/** The members of a socket, bound to it, to be overlaid. */
export function membersOf(socket: Socket): Socket {
  const { local, remote, inbound, writable } = socket
  return {
    local,
    remote,
    inbound,
    writable,
    send: (length, write) => socket.send(length, write),
    close: () => socket.close(),
  }
}
