import { createServer } from 'node:net'

/** Below what systems give to connections that go out, so that a server finds its port free when it comes back. */
const FIRST = 16_384
const COUNT = 16_000

let next = (process.pid * 97) % COUNT

/**
 * Ports of loopback on which nobody listens, none twice in this process. Where processes ask at once they may be given
 * the same.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const found: number[] = []
  while (found.length < count) {
    const port = FIRST + (next++ % COUNT)
    if (await isFree(port)) found.push(port)
  }
  return found
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
