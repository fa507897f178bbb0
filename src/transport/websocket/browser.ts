export { browserWebsocket as websocket } from './browser-websocket.js'
export type { WebSocketClientOptions } from './client-options.js'
