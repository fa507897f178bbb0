import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/**
 * Forwards connections to a server. Its bytes can be held back both ways while the connections stay, as in a partition,
 * or it can be taken down, as when the server is gone.
 */
export class PausingProxy {
  private readonly server: Server
  private readonly sockets: Set<Socket>
  private paused: boolean
  private isDown: boolean

  constructor(target: number) {
    this.sockets = new Set()
    this.paused = false
    this.isDown = false
    // Half-open, so that an end, too, goes through only while bytes do.
    this.server = createServer({ allowHalfOpen: true }, client => {
      if (this.isDown) {
        client.destroy()
        return
      }
      const server = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true })
      this.forward(client, server)
      this.forward(server, client)
    })
  }

  /** Connections that are open, on either side. */
  get open(): number {
    return this.sockets.size
  }

  /** Begins; gives the port to dial. */
  async listen(): Promise<number> {
    await new Promise<void>(listening => this.server.listen(0, '127.0.0.1', listening))
    return (this.server.address() as AddressInfo).port
  }

  /** Holds back all bytes, also those of connections that are opened meanwhile. */
  pause(): void {
    this.paused = true
    for (const socket of this.sockets) socket.pause()
  }

  /** Lets all bytes through, those that were held back first. */
  resume(): void {
    this.paused = false
    for (const socket of this.sockets) socket.resume()
  }

  /** Cuts every connection, and those that are opened until it is up again. */
  setDown(down: boolean): void {
    this.isDown = down
    if (down) this.cut()
  }

  /** Cuts every connection that there is; who dials again gets through. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  /** Ends everything. */
  async close(): Promise<void> {
    this.cut()
    await new Promise(closed => this.server.close(closed))
  }

  private forward(from: Socket, to: Socket): void {
    this.sockets.add(from)
    from.setNoDelay(true)
    from
      .on('data', chunk => to.write(chunk))
      .on('end', () => to.end())
      .on('error', () => to.destroy())
      .on('close', () => {
        this.sockets.delete(from)
        if (!from.readableEnded) to.destroy()
      })
    if (this.paused) from.pause()
  }
}
