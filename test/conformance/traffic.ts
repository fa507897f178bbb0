import type { Frame, Listener, Socket, Transport } from 'millrace/transport'
import { map, Observable, tap } from 'rxjs'

/** Counts the frames of a transport, so that one can tell when none is under way. */
export class Traffic {
  /** Frames sent and taken since the beginning. */
  count: number
  private readonly links: Map<string, End[]>

  constructor() {
    this.count = 0
    this.links = new Map()
  }

  /** The same transport, its frames counted. */
  over(transport: Transport): Transport {
    return {
      name: transport.name,
      dial: address => transport.dial(address).pipe(map(socket => this.watch(socket))),
      listen: address => transport.listen(address).pipe(map(listener => this.watchListener(listener))),
    }
  }

  /** Whether every frame that was sent has been taken, and both ends know of the end when one does. */
  get quiet(): boolean {
    return this.busy.length === 0
  }

  /** The connections that are not quiet, by the states of their ends. */
  get busy(): readonly (readonly End[])[] {
    return [...this.links.values()].filter(([a, b]) => !arrived(a, b) || !arrived(b, a))
  }

  private watchListener({ address, sockets }: Listener): Listener {
    return { address, sockets: sockets.pipe(map(socket => this.watch(socket))) }
  }

  private watch(socket: Socket): Socket {
    const end: End = { sent: 0, taken: 0, reads: false, closing: false, ended: false }
    const key = [socket.local, socket.remote].toSorted().join(' ')
    const link = this.links.get(key) ?? []
    this.links.set(key, link.length === 2 ? [end] : [...link, end])
    return this.counted(socket, end, key)
  }

  private counted(socket: Socket, end: End, key: string): Socket {
    const inbound = new Observable<Frame>(subscriber => {
      end.reads = true
      const frames = socket.inbound.pipe(tap({ next: () => this.took(end), finalize: () => this.ended(end, key) }))
      return frames.subscribe(subscriber)
    })
    return {
      local: socket.local,
      remote: socket.remote,
      inbound,
      writable: socket.writable,
      send: (length, write) =>
        socket.send(length, (target, offset) => {
          write(target, offset)
          end.sent++
          this.count++
        }),
      close: () => {
        end.closing = true
        socket.close()
      },
    }
  }

  private took(end: End): void {
    end.taken++
    this.count++
  }

  private ended(end: End, key: string): void {
    end.ended = true
    this.count++
    const link = this.links.get(key)
    if (link?.length === 2 && link.every(({ ended }) => ended)) this.links.delete(key)
  }
}

/** One end of a connection. */
interface End {
  sent: number
  taken: number
  reads: boolean
  closing: boolean
  ended: boolean
}

/** Whether `to` has heard all that `from` has said, unless it does not listen. */
function arrived(from: End | undefined, to: End | undefined): boolean {
  if (from === undefined || to === undefined || !to.reads || to.ended) return true
  return from.sent === to.taken && !from.closing && !from.ended
}
