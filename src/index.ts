// Services, clients and what they agree on.
export * from './actors/index.js'

// Operators that carry backpressure across processes.
export {
  overflow,
  type OverflowPolicy,
  paced,
  pacedMap,
  type PacedMapOptions,
  type PacedOptions,
  type Pullable,
  pull,
  type Stalled,
} from './streams/index.js'

// Errors, headers, time and logs.
export {
  type Code,
  codes,
  consoleLog,
  emptyHeader,
  type Header,
  header,
  type Hop,
  type Json,
  type Log,
  type LogEvent,
  type LogLevel,
  type Message,
  type RetryAdvice,
  retrySafely,
  RpcError,
  type RpcErrorJson,
  type RpcErrorOptions,
  type Runtime,
  seededRuntime,
  silentLog,
  systemRuntime,
} from './core/index.js'

// What carries calls: protocol, transport, codec.
export { rsocket, type RSocketOptions } from './protocol/rsocket/index.js'
export {
  type Call,
  type Connection,
  intercept,
  type Interceptor,
  type Kind,
  type Peer,
  type Protocol,
  type Route,
} from './protocol/index.js'
export { memoryTransport, type MemoryTransportOptions, type Transport } from './transport/index.js'
export { msgpack } from './codec/msgpack.js'
export { bytes, type Codec, type CodecLimits, json } from './codec/index.js'

// Who is alive, and who is called.
export { type Instance, memoryRegistry, type Registry, type Snapshot, staticRegistry } from './registry/index.js'
export {
  avoidRefused,
  blacklist,
  defaultSelector,
  ejectOutliers,
  type Explanation,
  filterEndpoint,
  filterLabel,
  filterNodes,
  filterVersion,
  filterZone,
  leastPending,
  marked,
  type Next,
  type Outcome,
  p2c,
  random,
  rendezvousHash,
  roundRobin,
  type Selector,
  strategy,
  subset,
  weighted,
} from './selector/index.js'

// Events between services.
export { type Broker, type Event, memoryBroker, type Receipt, type SubscribeOptions } from './broker/index.js'
