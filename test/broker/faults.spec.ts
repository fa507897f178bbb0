import { describe, expect, it } from 'vitest'
import { quickDurableFaults } from '../broker-faults/durable-faults.js'
import { quickCoreFaults, runCore } from '../broker-faults/run-core.js'
import { runDurable } from '../broker-faults/run-durable.js'
import { runPoison } from '../broker-faults/run-poison.js'
import { runSlow, slowSubscribers } from '../broker-faults/run-slow.js'

/** `npm run test:faults -- broker` has more, and measures how soon, on a machine that does nothing else. */
const MESSAGES = 2000
const ANY_TIME_MS = 30_000
const timeout = 300_000

describe.concurrent('jetstreamBroker', () => {
  it.each(quickDurableFaults)('loses nothing: $name', { timeout }, async fault => {
    const { failures } = await runDurable(fault, MESSAGES)

    expect(failures).toEqual([])
  })

  it('processes everything else beside a poison message', { timeout }, async () => {
    const { failures } = await runPoison(ANY_TIME_MS)

    expect(failures).toEqual([])
  })
})

describe.concurrent('natsBroker', () => {
  it.each(quickCoreFaults)('loses only what it may: $name', { timeout }, async fault => {
    const { failures } = await runCore(fault, MESSAGES)

    expect(failures).toEqual([])
  })
})

describe.concurrent('a subscriber that is stuck', () => {
  it.each(slowSubscribers)('keeps its memory and its connection: $name', { timeout }, async slow => {
    const { failures } = await runSlow(slow, MESSAGES)

    expect(failures).toEqual([])
  })
})
