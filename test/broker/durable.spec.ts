import { durableBroker, memoryLog, nativeEnvelope } from 'millrace/broker'
import { json } from 'millrace/codec'
import { silentLog } from 'millrace/core'
import { testBroker } from 'millrace/testing/compliance'
import { describe, it } from 'vitest'

function durable() {
  const logs = { messages: memoryLog(), dead: memoryLog() }
  return durableBroker(logs, { envelope: nativeEnvelope(json()), backoffMs: [1], log: silentLog })
}

testBroker({ describe, it }, { name: 'durableBroker', setup: () => ({ broker: durable() }) })
