import type { Listener, Socket, Transport } from 'millrace/transport'
import { map } from 'rxjs'

/** Gives the frames that are sent instead of one. */
export type AlterFrame = (bytes: Uint8Array) => readonly Uint8Array[]

/** `transport` whose sockets, at both ends, send other frames; each socket has an `AlterFrame` of its own. */
export function alteredFrames(transport: Transport, alter: () => AlterFrame): Transport {
  return {
    name: transport.name,
    dial: address => transport.dial(address).pipe(map(socket => altered(socket, alter()))),
    listen: address =>
      transport.listen(address).pipe(
        map(({ address: chosen, sockets }): Listener => ({
          address: chosen,
          sockets: sockets.pipe(map(socket => altered(socket, alter()))),
        })),
      ),
  }
}

function altered(socket: Socket, alter: AlterFrame): Socket {
  const { local, remote, inbound, writable } = socket
  return {
    local,
    remote,
    inbound,
    writable,
    send: (length, write) => {
      const bytes = new Uint8Array(length)
      write(bytes, 0)
      let accepted = true
      for (const frame of alter(bytes)) {
        accepted = socket.send(frame.length, (target, offset) => target.set(frame, offset)) && accepted
      }
      return accepted
    },
    close: () => socket.close(),
  }
}
