export * from './peer.js'
export * from './protocol.js'
