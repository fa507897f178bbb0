import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** Where a connection is cut: behind so many bytes in one direction. */
export interface Cut {
  /** Who was to receive the bytes. */
  readonly toward: 'server' | 'client'
  /** Bytes that still arrive. */
  readonly bytes: number
}

/** Forwards connections to a server, and cuts them: both halves at once, as when a cable is cut. */
export class CuttingProxy {
  /** Bytes that went each way over the first connection. */
  readonly forwarded: { server: number; client: number }
  private readonly server: Server
  private readonly sockets: Set<Socket>

  /** `cuts` are those of the connections, in the order in which they come; later ones are left alone. */
  constructor(target: number, cuts: readonly Cut[]) {
    this.forwarded = { server: 0, client: 0 }
    this.sockets = new Set()
    let index = 0
    this.server = createServer(client => {
      const connection = index++
      const cut = cuts[connection]
      const server = connect(target, '127.0.0.1')
      const pipe = (from: Socket, to: Socket, toward: Cut['toward']): void => {
        let left = cut?.toward === toward ? cut.bytes : Infinity
        from.on('data', (chunk: Buffer) => {
          if (connection === 0) this.forwarded[toward] += chunk.length
          if (chunk.length < left) {
            left -= chunk.length
            to.write(chunk)
            return
          }
          from.pause()
          to.write(chunk.subarray(0, left), () => {
            client.destroy()
            server.destroy()
          })
        })
        from
          .on('error', () => {})
          .on('close', () => {
            to.end()
            this.sockets.delete(from)
          })
        from.setNoDelay(true)
        this.sockets.add(from)
      }
      pipe(client, server, 'server')
      pipe(server, client, 'client')
    })
  }

  /** Begins; gives the address to dial. */
  async listen(): Promise<string> {
    await new Promise<void>(listening => this.server.listen(0, '127.0.0.1', listening))
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  /** Ends everything. */
  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await new Promise(closed => this.server.close(closed))
  }
}
