export * from './nats-connection.js'
export * from './nats-link.js'
export type { NatsAuth, NatsOptions } from './nats-options.js'
export { natsTransport, type NatsTransportOptions } from './nats-transport.js'
