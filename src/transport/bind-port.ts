import type { Server } from 'node:net'
import type { RpcError } from '../core/index.js'
import type { Address } from './address.js'
import { explainErrno } from './explain-errno.js'
import { listenFailed } from './transport-errors.js'

/** Binds a server to the first free port of a range. */
export interface PortBinding {
  /** Begins to listen. */
  readonly bind: () => void
  /** What an error of listening comes to; `undefined` when the next port is being tried. */
  readonly failure: (error: NodeJS.ErrnoException) => RpcError | undefined
}

/** How `server` comes to listen at an address, which is `text` in messages. */
export function bindPort(server: Server, text: string, { host, firstPort, lastPort }: Address): PortBinding {
  let port = firstPort
  const bind = (): void => void server.listen(host === '' ? { port } : { host, port })
  return {
    bind,
    failure: error => {
      if (error.code !== 'EADDRINUSE' || port >= lastPort) return listenFailed(text, explainErrno(error), error)
      port++
      bind()
      return undefined
    },
  }
}
