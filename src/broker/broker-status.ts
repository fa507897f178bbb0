import type { RpcError } from '../core/index.js'

/** How the way to a broker is. */
export type BrokerStatus =
  | { readonly state: 'connecting'; readonly attempt: number; readonly error?: RpcError }
  | { readonly state: 'connected'; readonly server: string }
  | { readonly state: 'disconnected' }
