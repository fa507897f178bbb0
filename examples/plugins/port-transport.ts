import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads'
import { RpcError, systemRuntime } from 'millrace/core'
import type { Listener, Socket, Transport } from 'millrace/transport'
import { Observable, Subject } from 'rxjs'
import { PortSocket } from './port-socket.js'

const PREFIX = 'port:'
const CONNECT_TIMEOUT_MS = 5000

/** Asks the thread at the other end of a link for a connection over `port`, which is answered with `open` or closed. */
interface Dial {
  readonly millrace: 'dial'
  readonly from: string
  readonly to: string
  readonly port: MessagePort
}

/**
 * Carries frames between two threads of a process, without copying them: `portTransport(worker)` in one, and
 * `portTransport(parentPort)` in the other. What one listens at, `port:words`, is dialled by the other.
 */
export function portTransport(link: MessagePort | Worker): Transport {
  const listeners = new Map<string, Subject<Socket>>()
  let dials = 0
  let chosen = 0

  link.on('message', (message: Partial<Dial> | undefined) => {
    if (message?.millrace === 'dial') accept(message as Dial)
  })
  link.unref() // a transport that neither listens nor dials keeps no thread alive

  function accept({ from, to, port }: Dial): void {
    const sockets = listeners.get(to)
    if (sockets !== undefined) port.postMessage('open')
    if (sockets?.observed) sockets.next(new PortSocket(port, to, from))
    else port.close()
  }

  function dial(address: string): Observable<Socket> {
    return new Observable(subscriber => {
      if (!isName(address)) throw invalidAddress(address)
      const { port1: port, port2: theirs } = new MessageChannel()
      const from = `${PREFIX}~${++dials}`
      const refuse = (why: string): void => {
        const problem = `cannot connect to ${address}: ${why}`
        subscriber.error(new RpcError('UNAVAILABLE', problem, { reason: 'connect_failed', retry: { safe: true } }))
      }
      const refused = (): void => refuse('nobody listens there')
      const { scheduler } = systemRuntime()
      const timeout = scheduler.schedule(() => refuse('no answer came'), CONNECT_TIMEOUT_MS)
      subscriber.add(timeout)
      subscriber.add(() => port.close())
      port.once('close', refused)
      port.once('message', () => {
        timeout.unsubscribe()
        port.off('close', refused)
        const socket = new PortSocket(port, from, address)
        subscriber.add(() => socket.abort())
        socket.writable.subscribe({ complete: () => subscriber.complete() })
        subscriber.next(socket)
      })
      link.postMessage({ millrace: 'dial', from, to: address, port: theirs } satisfies Dial, [theirs])
    })
  }

  function listen(address: string): Observable<Listener> {
    return new Observable(subscriber => {
      const chooses = address === ':0' || address === PREFIX
      if (!chooses && !isName(address)) throw invalidAddress(address)
      const own = chooses ? `${PREFIX}${++chosen}` : address
      if (listeners.has(own)) {
        throw new RpcError('UNAVAILABLE', `somebody listens at ${own} already`, { reason: 'listen_failed' })
      }
      const sockets = new Subject<Socket>()
      listeners.set(own, sockets)
      link.ref()
      subscriber.add(() => {
        listeners.delete(own)
        sockets.complete()
        if (listeners.size === 0) link.unref()
      })
      subscriber.next({ address: own, sockets })
    })
  }

  return { name: 'port', dial, listen }
}

function isName(address: string): boolean {
  return address.startsWith(PREFIX) && address.length > PREFIX.length
}

function invalidAddress(address: string): RpcError {
  return new RpcError('INVALID_ARGUMENT', `${JSON.stringify(address)} is not ${PREFIX}name`, {
    reason: 'invalid_address',
  })
}
