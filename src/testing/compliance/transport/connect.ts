import assert from 'node:assert/strict'
import { firstValueFrom, Subscription, type Observable } from 'rxjs'
import type { Listener, Socket, Transport } from '../../../transport/index.js'
import { within } from '../waiting.js'
import type { Ending } from './inbox.js'

/** One connection with both its ends. */
export interface OpenConnection {
  /** Where the server's end arrived. */
  readonly listener: Listener
  /** The end that dialled. */
  readonly client: Socket
  /** The end that was dialled. */
  readonly server: Socket
  /** Holds the listener. */
  readonly listening: Subscription
  /** Holds the client's end. */
  readonly dialing: Subscription
  /** How the dial ended. */
  readonly dialEnding: Ending
}

/** Listens at `address` and gives the listener with the subscription that holds it. */
export async function listenAt(
  transport: Transport,
  address: string,
  patienceMs: number,
): Promise<{ readonly listener: Listener; readonly listening: Subscription }> {
  const listening = new Subscription()
  const opened = new Promise<Listener>((resolve, reject) => {
    listening.add(transport.listen(address).subscribe({ next: resolve, error: reject }))
  })
  return { listener: await within(opened, patienceMs, `a listener at ${address}`), listening }
}

/** Opens a connection at `address`, where the transport may choose. */
export async function connect(transport: Transport, address: string, patienceMs: number): Promise<OpenConnection> {
  const { listener, listening } = await listenAt(transport, address, patienceMs)
  const accepted = firstValueFrom(listener.sockets)
  accepted.catch(() => {}) // the dial's own failure is the one to report
  const dialing = new Subscription()
  const ends: { dialEnding: Ending } = { dialEnding: 'open' }
  const opened = new Promise<Socket>((resolve, reject) => {
    dialing.add(
      transport.dial(listener.address).subscribe({
        next: resolve,
        complete: () => (ends.dialEnding = 'completed'),
        error: error => {
          ends.dialEnding = error
          reject(error as Error)
        },
      }),
    )
  })
  const client = await within(opened, patienceMs, 'the dialled socket')
  const server = await within(accepted, patienceMs, 'the accepted socket')
  return Object.assign(ends, { listener, client, server, listening, dialing })
}

/** Waits for the failure of an Observable and gives it. */
export function failureOf(source: Observable<unknown>, patienceMs: number): Promise<unknown> {
  const failed = new Promise<unknown>((resolve, reject) => {
    const instead = (what: string) => () => reject(new assert.AssertionError({ message: `${what} instead of failing` }))
    source.subscribe({ next: instead('emitted'), error: resolve, complete: instead('completed') })
  })
  return within(failed, patienceMs, 'the failure')
}

/** Dials `address` and gives the socket with the subscription that holds it. */
export async function dialled(
  transport: Transport,
  address: string,
  patienceMs: number,
): Promise<{ readonly socket: Socket; readonly dialing: Subscription }> {
  const dialing = new Subscription()
  const opened = new Promise<Socket>((resolve, reject) => {
    dialing.add(transport.dial(address).subscribe({ next: resolve, error: reject }))
  })
  return { socket: await within(opened, patienceMs, 'the dialled socket'), dialing }
}
