import { describe, expect, it } from 'vitest'
import { faultScript, parseFaults } from '../../../src/testing/simulator/fault-marbles.js'
import type { Fault } from '../../../src/testing/simulator/fault.js'

describe('parseFaults', () => {
  it('reads a fault from its letter to the next', () => {
    const faults = parseFaults('link', ['web', 'orders'], '5s x 3s z 1500ms o', 60_000)

    expect(faults.map(({ kind, at, ms }) => [kind, at, ms])).toEqual([
      ['partition', 5000, 3001],
      ['slowLink', 8001, 1501],
    ])
  })

  it('reads one that nothing ends as lasting to the end', () => {
    expect(parseFaults('process', ['web'], '--h', 10)).toEqual([{ kind: 'vanish', targets: ['web'], at: 2, ms: 8 }])
  })
})

describe('faultScript', () => {
  const faults: readonly (readonly [string, Fault])[] = [
    ["world.link('web', 'orders', '5s x 3s o')", { kind: 'partition', targets: ['web', 'orders'], at: 5000, ms: 3001 }],
    ["world.link('web', '*', '1500ms r')", { kind: 'reset', targets: ['web', '*'], at: 1500, ms: 0 }],
    ["world.link('web', 'broker', 'z 10ms o')", { kind: 'slowLink', targets: ['web', 'broker'], at: 0, ms: 11 }],
    ["world.fault('web-1', '999ms s o')", { kind: 'restart', targets: ['web-1'], at: 999, ms: 1 }],
    ["world.fault('web', '5s x')", { kind: 'crash', targets: ['web'], at: 5000, ms: 55_000 }],
    ["world.registry('1s x 2s o')", { kind: 'registryOutage', targets: [], at: 1000, ms: 2001 }],
    ["world.registry('1s w 2s o')", { kind: 'registryWipe', targets: [], at: 1000, ms: 2001 }],
    ["world.registry('1s c 2s o')", { kind: 'registryCompaction', targets: [], at: 1000, ms: 2001 }],
    ["world.broker('1s x 2s o')", { kind: 'brokerOutage', targets: [], at: 1000, ms: 2001 }],
    ["world.skew('web', 1234)", { kind: 'skew', targets: ['web'], at: 0, ms: 1234 }],
  ]

  it.each(faults)('writes %s', (script, fault) => {
    expect(faultScript(fault, 60_000)).toBe(script)
  })

  it.each(faults.slice(0, -1))('writes what reads the same: %s', (script, fault) => {
    const [, lane = '', diagram = ''] = /^world\.(\w+)\(.*'(.*)'\)$/.exec(script) ?? []

    const read = parseFaults(lane === 'fault' ? 'process' : (lane as 'link'), fault.targets, diagram, 60_000)

    expect(read).toEqual([fault])
  })
})
