import { silentLog, systemRuntime } from 'millrace/core'
import { etcd } from 'millrace/registry/etcd'
import { testRegistry } from 'millrace/testing/compliance'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { countingRuntime } from '../support/counting-runtime.js'
import { startEtcd, type EtcdServer } from '../support/etcd-server.js'
import { PausingProxy } from '../support/pausing-proxy.js'

let server: EtcdServer

beforeAll(async () => {
  server = await startEtcd()
})

afterAll(() => server.stop())

testRegistry(
  { describe, it },
  {
    name: 'etcd',
    setup: async () => {
      const proxy = new PausingProxy(server.port)
      const endpoints = [`127.0.0.1:${await proxy.listen()}`]
      const runtime = countingRuntime()
      const prefix = `/${systemRuntime().id()}`
      const party = () => etcd({ endpoints, prefix, ttlMs: 2000, runtime, log: silentLog })
      return {
        here: party(),
        there: party(),
        setDown: down => proxy.setDown(down),
        openResources: () => proxy.open + runtime.openTimers,
        close: () => proxy.close(),
      }
    },
  },
)
