import { RpcError } from 'millrace/core'
import type { Connection, Protocol } from 'millrace/protocol'
import { catchError, map, NEVER, throwError } from 'rxjs'
import type { Mutant } from './mutant.js'

/** Calls that are open when their connection breaks are forgotten, and never end. */
export const callOutlivesPeer: Mutant = {
  name: 'call never ended when the peer dies',
  protocol: (protocol): Protocol => ({
    name: protocol.name,
    transport: protocol.transport,
    connect: (address, options) => protocol.connect(address, options).pipe(map(forgetful)),
    listen: (address, serve) => protocol.listen(address, serve),
  }),
}

function forgetful(connection: Connection): Connection {
  const call: Connection['call'] = made =>
    connection
      .call(made)
      .pipe(
        catchError((error: unknown) =>
          RpcError.from(error).reason === 'connection_lost' ? NEVER : throwError(() => error),
        ),
      )
  return new Proxy(connection, {
    get: (target, key) => {
      if (key === 'call') return call
      if (key === 'run') return undefined
      const member: unknown = Reflect.get(target, key)
      return typeof member === 'function' ? member.bind(target) : member
    },
    has: (target, key) => key !== 'run' && Reflect.has(target, key),
  })
}
