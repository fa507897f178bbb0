export * from './marble-kit.js'
export * from './marbles.js'
export type { SubscriptionLog } from './virtual-time.js'
export * from './simulator/index.js'
