import { startEtcd } from '../support/etcd-server.js'

// Starts an etcd, tells its port, and stays until it is killed.
const { port } = await startEtcd()
process.stdout.write(`${JSON.stringify({ port })}\n`)
process.stdin.resume()
