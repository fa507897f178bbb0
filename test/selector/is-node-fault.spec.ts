import { type Code, codes } from 'millrace/core'
import { describe, expect, it } from 'vitest'
import { isNodeFault } from '../../src/selector/is-node-fault.js'
import { nodeOf } from './snapshots.js'

const node = nodeOf('a')

describe('isNodeFault', () => {
  it('tells what speaks against a node', () => {
    const faults = codes.filter(result => isNodeFault({ node, result, latencyMs: 1 }))

    const expected: readonly Code[] = ['UNKNOWN', 'DEADLINE_EXCEEDED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS']
    expect(new Set(faults)).toEqual(new Set(expected))
  })

  it.each(['ok', 'cancelled'] as const)('does not take %s for a fault', result => {
    expect(isNodeFault({ node, result, latencyMs: 1 })).toBe(false)
  })

  it('does not blame a node for what was never sent', () => {
    const expired = { node, result: 'DEADLINE_EXCEEDED', reason: 'expired_before_send', latencyMs: 1 } as const

    expect(isNodeFault(expired)).toBe(false)
    expect(isNodeFault({ ...expired, reason: 'expired_in_queue' })).toBe(true)
  })
})
