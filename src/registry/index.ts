export * from './registry.js'
export * from './memory.js'
export * from './interrupted.js'
