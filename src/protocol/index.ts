export * from './peer.js'
export * from './pool.js'
export * from './protocol.js'
