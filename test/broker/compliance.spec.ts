import { memoryBroker } from 'millrace/broker'
import { silentLog } from 'millrace/core'
import { testBroker } from '../compliance/broker.js'
import { memoryFixture } from './memory-fixture.js'

testBroker('memoryBroker', async () => memoryFixture(memoryBroker({ log: silentLog, redeliverAfterMs: 1 })), {
  queueGroups: true,
  redelivery: true,
  wildcards: true,
})
