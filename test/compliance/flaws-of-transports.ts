import { RpcError } from 'millrace/core'
import type { Frame, Listener, Socket, Transport } from 'millrace/transport'
import { catchError, map, merge, NEVER, Observable, of, share, tap } from 'rxjs'
import { altered, membersOf } from '../support/altered-sockets.js'

type Flaw = (transport: Transport) => Transport

const sockets =
  (change: (socket: Socket) => Partial<Socket>): Flaw =>
  transport =>
    altered(transport, socket => ({ ...membersOf(socket), ...change(socket) }))

/** Changes what both ends receive. */
const frames = (change: (inbound: Observable<Frame>, socket: Socket) => Observable<Frame>): Flaw =>
  sockets(socket => ({ inbound: change(socket.inbound, socket) }))

const listeners =
  (change: (listener$: Observable<Listener>, transport: Transport) => Observable<Listener>): Flaw =>
  transport => ({
    name: transport.name,
    dial: address => transport.dial(address),
    listen: address => change(transport.listen(address), transport),
  })

const dials =
  (change: (socket$: Observable<Socket>, address: string) => Observable<Socket>): Flaw =>
  transport => ({
    name: transport.name,
    dial: address => change(transport.dial(address), address),
    listen: address => transport.listen(address),
  })

/** Passes all on and is never unsubscribed. */
function outliving<T>(source: Observable<T>): Observable<T> {
  return new Observable(subscriber => {
    source.subscribe({
      next: value => subscriber.next(value),
      error: error => subscriber.error(error),
      complete: () => subscriber.complete(),
    })
  })
}

/** Transports that break the contract in one point, by the check that must notice. */
export const flawsOfTransports: { readonly [title: string]: Flaw } = {
  'keeps frames of every size unchanged': frames(
    map(({ bytes, start, end }) => ({ bytes, start, end: Math.min(end, start + 0xffff) })),
  ),
  'carries both directions at once': listeners(
    map(listener => ({
      ...listener,
      sockets: listener.sockets.pipe(map(socket => ({ ...membersOf(socket), send: () => true }))),
    })),
  ),
  'may send while a frame arrives': sockets(socket => {
    let delivering = false
    const inbound = new Observable<Frame>(subscriber =>
      socket.inbound.subscribe({
        next: frame => {
          delivering = true
          subscriber.next(frame)
          delivering = false
        },
        error: error => subscriber.error(error),
        complete: () => subscriber.complete(),
      }),
    )
    return { inbound, send: (length, write) => delivering || socket.send(length, write) }
  }),
  'refuses to send a frame above the limit': sockets(socket => ({
    send(length, write) {
      if (length <= 0xff_ffff) return socket.send(length, write)
      write(new Uint8Array(length), 0)
      return true
    },
  })),
  'keeps frames until inbound is subscribed': sockets(socket => {
    const inbound = socket.inbound.pipe(share())
    inbound.subscribe({ error: () => {} })
    return { inbound }
  }),
  'has one subscriber of inbound': frames(share()),
  'ignores a second close': sockets(socket => {
    let closed = false
    const close = (): void => {
      if (closed) throw new RpcError('FAILED_PRECONDITION', 'the socket is closed')
      closed = true
      socket.close()
    }
    return { close }
  }),
  'sends nothing after the peer has closed': sockets(socket => ({
    send: (length, write) => socket.send(length, write) || true,
  })),
  'delivers nothing after unsubscribing within next': frames(outliving),
  'ends both when the dial is unsubscribed': dials(outliving),
  'sends what it accepted despite unsubscribing after close': sockets(socket => ({
    close: () => void setTimeout(() => socket.close(), 20),
  })),
  'completes inbound that is subscribed after the end': sockets(socket => {
    let closed = false
    const inbound = new Observable<Frame>(subscriber => (closed ? undefined : socket.inbound.subscribe(subscriber)))
    const close = (): void => {
      closed = true
      socket.close()
    }
    return { inbound, close }
  }),
  'opens one connection a subscription': transport => {
    const opened = new Map<string, Observable<Socket>>()
    return dials((dial, address) => {
      const shared = opened.get(address) ?? dial.pipe(share())
      opened.set(address, shared)
      return shared
    })(transport)
  },
  'emits nothing when the dial is unsubscribed early': dials(outliving),
  'tells whom it has dialled': dials(map(socket => ({ ...membersOf(socket), remote: 'somebody' }))),
  'tells who has dialled': listeners(
    map(listener => ({
      ...listener,
      sockets: listener.sockets.pipe(map(socket => ({ ...membersOf(socket), remote: 'somebody' }))),
    })),
  ),
  'gives each listener an address of its own': listeners(map(listener => ({ ...listener, address: 'memory:1' }))),
  'fails to listen at a taken address': listeners(catchError(() => NEVER)),
  'closes a socket that nobody takes': listeners(tap(({ sockets }) => sockets.subscribe())),
  'does not say writable unasked': sockets(socket => ({ writable: merge(of(undefined), socket.writable) })),
}
