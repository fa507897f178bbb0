export * from './memory-faults.js'
export * from './memory.js'
export * from './transport.js'
