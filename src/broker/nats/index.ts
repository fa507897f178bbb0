export { natsConnection } from '../../transport/nats/index.js'
export * from './nats-broker.js'
