import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Subscription } from 'rxjs'

/** A TCP proxy that cuts its connections. */
export interface CuttingProxy {
  /** Where it listens. */
  readonly port: number
  /** How many connections it has cut. */
  readonly cuts: number
}

/**
 * Listens on a free port and passes on what it gets to `target` and back, in both directions, until it has passed on as
 * many bytes as `next` said when the connection was made; then it cuts that. `undefined` is never.
 */
export async function cuttingProxy(
  target: number,
  next: () => number | undefined,
  cleanup: Subscription,
): Promise<CuttingProxy> {
  let cuts = 0
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, near => {
    const far = connect({ port: target, host: '127.0.0.1', noDelay: true })
    let left = next() ?? Infinity
    const cut = (): void => {
      near.destroy()
      far.destroy()
    }
    const pass = (from: Socket, to: Socket): void => {
      sockets.add(from)
      from.on('error', cut).on('close', () => {
        sockets.delete(from)
        cut()
      })
      from.on('data', (chunk: Buffer) => {
        if (left <= 0) return
        const passed = chunk.subarray(0, left)
        left -= passed.length
        if (left > 0) to.write(passed)
        else {
          cuts++
          to.end(passed, cut) // what was passed on still arrives; what follows never does
        }
      })
    }
    pass(near, far)
    pass(far, near)
  })
  cleanup.add(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    get cuts() {
      return cuts
    },
  }
}
