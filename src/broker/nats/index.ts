export { natsConnection } from '../../transport/nats/index.js'
export * from './jetstream-broker.js'
export * from './nats-broker.js'
