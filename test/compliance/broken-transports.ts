import type { Frame, Socket, Transport } from 'millrace/transport'
import { map, NEVER, Observable, type Subscriber, Subscription } from 'rxjs'
import { altered, membersOf } from '../support/altered-sockets.js'
import { sendBytes } from './transport-probe.js'

/** Holds each frame back until the next one, so the last is never sent. */
export function droppingLastFrame(transport: Transport): Transport {
  return altered(transport, socket => {
    let held: Uint8Array | undefined
    const send: Socket['send'] = (length, write) => {
      const accepted = held === undefined || sendBytes(socket, held)
      held = new Uint8Array(length)
      write(held, 0)
      return accepted
    }
    return { ...membersOf(socket), send }
  })
}

/** Swaps the first two frames. */
export function reordering(transport: Transport): Transport {
  return altered(transport, socket => {
    const first: Uint8Array[] = []
    let count = 0
    const send: Socket['send'] = (length, write) => {
      if (count++ > 1) return socket.send(length, write)
      const bytes = new Uint8Array(length)
      write(bytes, 0)
      first.unshift(bytes)
      return count < 2 || first.map(each => sendBytes(socket, each)).every(Boolean)
    }
    return { ...membersOf(socket), send }
  })
}

/** Calls the peer's subscriber within `send`. */
export function synchronous(transport: Transport): Transport {
  const subscribers = new Map<string, Subscriber<Frame>>()
  return altered(transport, socket => {
    const inbound = new Observable<Frame>(subscriber => {
      subscribers.set(`${socket.local} ${socket.remote}`, subscriber)
      return socket.inbound.subscribe(subscriber)
    })
    const send: Socket['send'] = (length, write) => {
      const peer = subscribers.get(`${socket.remote} ${socket.local}`)
      if (peer === undefined) return socket.send(length, write)
      const bytes = new Uint8Array(length)
      write(bytes, 0)
      peer.next({ bytes, start: 0, end: length })
      return true
    }
    return { ...membersOf(socket), inbound, send }
  })
}

/** Closes some turns late, and delivers until then. */
export function deliveringAfterClose(transport: Transport): Transport {
  return altered(transport, socket => ({
    ...membersOf(socket),
    close: () => void setTimeout(() => socket.close(), 20),
  }))
}

/** Never emits `writable`. */
export function neverWritable(transport: Transport): Transport {
  return altered(transport, socket => ({ ...membersOf(socket), writable: NEVER }))
}

/** Accepts whatever it is given. */
export function unbounded(transport: Transport): Transport {
  return altered(transport, socket => ({
    ...membersOf(socket),
    send: (length, write) => {
      socket.send(length, write)
      return true
    },
  }))
}

/** Reads every frame into the same memory. */
export function reusingMemory(transport: Transport): Transport {
  return altered(transport, socket => {
    const memory = new Uint8Array(2_000_000)
    const inbound = socket.inbound.pipe(
      map(({ bytes, start, end }): Frame => {
        memory.set(bytes.subarray(start, end))
        return { bytes: memory, start: 0, end: end - start }
      }),
    )
    return { ...membersOf(socket), inbound }
  })
}

/** Lives on when `inbound` is unsubscribed. */
export function ignoringUnsubscription(transport: Transport): Transport {
  return altered(transport, socket => ({
    ...membersOf(socket),
    inbound: new Observable(subscriber => {
      socket.inbound.subscribe({
        next: frame => subscriber.next(frame),
        error: error => subscriber.error(error),
        complete: () => subscriber.complete(),
      })
    }),
  }))
}

/** Sends what a writer left behind when it threw. */
export function sendingHalfWritten(transport: Transport): Transport {
  return altered(transport, socket => ({
    ...membersOf(socket),
    send: (length, write) => {
      const bytes = new Uint8Array(length)
      try {
        write(bytes, 0)
      } finally {
        sendBytes(socket, bytes)
      }
      return true
    },
  }))
}

/** Goes on listening when it is unsubscribed. */
export function listeningForever(transport: Transport): Transport {
  const leaked = new Subscription()
  return {
    name: transport.name,
    dial: address => transport.dial(address),
    listen: address =>
      new Observable(subscriber => {
        leaked.add(
          transport.listen(address).subscribe({
            next: listener => subscriber.next(listener),
            error: error => subscriber.error(error),
          }),
        )
      }),
  }
}

/** Waits for ever where nobody listens. */
export function silentlyRefused(transport: Transport): Transport {
  return {
    name: transport.name,
    listen: address => transport.listen(address),
    dial: address =>
      new Observable(subscriber =>
        transport.dial(address).subscribe({
          next: socket => subscriber.next(socket),
          error: () => {},
          complete: () => subscriber.complete(),
        }),
      ),
  }
}
