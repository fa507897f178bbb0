import { memoryBroker } from 'millrace/broker'
import { silentLog } from 'millrace/core'
import { testBroker } from 'millrace/testing/compliance'
import { describe, it } from 'vitest'

testBroker(
  { describe, it },
  { name: 'memoryBroker', setup: () => ({ broker: memoryBroker({ log: silentLog, backoffMs: [1], keep: 100 }) }) },
)
