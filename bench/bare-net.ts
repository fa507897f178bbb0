import { connect, createServer, type Socket } from 'node:net'
import { pack, unpack } from 'msgpackr'

/**
 * The yardstick: an echo on node:net and msgpackr with nothing between. A frame is `u32 length`, `u32 call id` and the
 * value; what is written in one tick leaves in one write; sockets without Nagle.
 */
const HEADER_BYTES = 8

/** Starts the echo on a free port of the loopback interface and tells the port. */
export function serveBare(listening: (address: string) => void): void {
  const server = createServer({ noDelay: true }, socket => {
    const write = coalescing(socket)
    readFrames(socket, (id, body) => write(id, pack(unpack(body))))
    socket.on('error', () => socket.destroy())
  })
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    if (typeof address === 'object' && address !== null) listening(`127.0.0.1:${address.port}`)
  })
}

/** A caller of the echo: `call(value, done)`. */
export function bareCaller(address: string, ready: (call: (value: unknown, done: () => void) => void) => void): void {
  const [host, port] = address.split(':')
  const socket = connect({ host, port: Number(port), noDelay: true }, () => {
    const write = coalescing(socket)
    const waiting = new Map<number, () => void>()
    let nextId = 0
    readFrames(socket, (id, body) => {
      unpack(body)
      const done = waiting.get(id)
      waiting.delete(id)
      done?.()
    })
    ready((value, done) => {
      const id = nextId
      nextId = (nextId + 1) >>> 0
      waiting.set(id, done)
      write(id, pack(value))
    })
  })
}

function coalescing(socket: Socket): (id: number, body: Buffer) => void {
  let pending: Buffer[] = []
  const flush = (): void => {
    const chunk = Buffer.concat(pending)
    pending = []
    socket.write(chunk)
  }
  return (id, body) => {
    if (pending.length === 0) process.nextTick(flush)
    const header = Buffer.allocUnsafe(HEADER_BYTES)
    header.writeUInt32BE(body.length, 0)
    header.writeUInt32BE(id, 4)
    pending.push(header, body)
  }
}

function readFrames(socket: Socket, onFrame: (id: number, body: Buffer) => void): void {
  let rest: Buffer | undefined
  socket.on('data', (data: Buffer) => {
    const chunk = rest === undefined ? data : Buffer.concat([rest, data])
    let at = 0
    while (chunk.length - at >= HEADER_BYTES) {
      const end = at + HEADER_BYTES + chunk.readUInt32BE(at)
      if (end > chunk.length) break
      onFrame(chunk.readUInt32BE(at + 4), chunk.subarray(at + HEADER_BYTES, end))
      at = end
    }
    rest = at < chunk.length ? chunk.subarray(at) : undefined
  })
}
