import type { Transport } from '../../../transport/index.js'
import { PATIENCE_MS, type Check, type CheckSetup } from '../check.js'
import { connect, type OpenConnection } from './connect.js'

/** A transport to be tried, made anew for each check. */
export interface TransportSetup extends CheckSetup {
  /** What is tried; it dials itself. Where two ends are made apart, the `dial` of one and the `listen` of the other. */
  readonly transport: Transport
  /** An address at which `listen` chooses by itself. */
  readonly anyAddress: string
  /** A valid address where nobody listens. */
  readonly deadAddress: string
  /** Addresses that are none. */
  readonly invalidAddresses: readonly string[]
  /** How many timers and handles of the system the transport has open. */
  readonly openResources: () => number
}

/**
 * What a transport may lack: `backpressure`, that frames which nobody reads hold the sender up; `ownAddress`, that a
 * socket which has dialled knows its own address.
 */
export type TransportCapability = 'backpressure' | 'ownAddress'

/** One fact about every transport. */
export type TransportCheck = Check<TransportSetup, TransportCapability>

/** A check of dialling and listening. */
export function overTransport(
  title: string,
  run: (setup: TransportSetup, patienceMs: number) => Promise<void>,
): TransportCheck {
  return { title, run: setup => run(setup, setup.patienceMs ?? PATIENCE_MS) }
}

/** A check over one open connection, which is ended afterwards. */
export function overConnection(
  title: string,
  run: (connection: OpenConnection, patienceMs: number, setup: TransportSetup) => Promise<void>,
  needs?: TransportCapability,
): TransportCheck {
  return {
    title,
    ...(needs && { needs }),
    run: async setup => {
      const { transport, anyAddress, patienceMs = PATIENCE_MS } = setup
      const connection = await connect(transport, anyAddress, patienceMs)
      try {
        await run(connection, patienceMs, setup)
      } finally {
        connection.listening.unsubscribe()
        connection.client.close()
        connection.server.close()
        connection.dialing.unsubscribe()
      }
    },
  }
}
