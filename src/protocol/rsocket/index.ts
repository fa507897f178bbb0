export { COMPACT_METADATA } from './metadata.js'
export type { RSocketOptions } from './options.js'
export { rsocket } from './rsocket.js'
