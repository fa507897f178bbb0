export type { WebSocketClientOptions } from './client-options.js'
export type { UpgradeRequest } from './upgrade-request.js'
export type { WebSocketOptions } from './websocket-options.js'
export * from './websocket.js'
