export * from './marbles.js'
