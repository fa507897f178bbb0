export * from './mdns.js'
