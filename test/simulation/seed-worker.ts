import { parentPort } from 'node:worker_threads'
import { runShop } from './run-shop.js'

// A thread of run-seeds.ts: it is sent a seed, and sends back the run.
parentPort?.on('message', (seed: number) => {
  void runShop(seed).then(run => parentPort?.postMessage(run))
})
