export * from './peer.js'
export * from './protocol.js'
export * from './pool.js'
