import type { Transport } from 'millrace/transport'
import { tcp } from 'millrace/transport/tcp'
import { websocket } from 'millrace/transport/websocket'
import type { Carrier } from './row.js'

/** The transport of a carrier. */
export function transportOf(carrier: Carrier): Transport {
  return carrier === 'ws' ? websocket() : tcp()
}

/** The address of a port on this machine. */
export function addressOf(carrier: Carrier, port: number): string {
  return carrier === 'ws' ? `ws://127.0.0.1:${port}/` : `127.0.0.1:${port}`
}

/** The port of an address. */
export function portOf(address: string): number {
  return Number(/:(\d+)\/?$/.exec(address)?.[1])
}
