import { describe, expect, it } from 'vitest'
import { countRows, rowsOf, tableOf, type Outcome } from '../../scripts/conformance/rows.mjs'

const outcomes: readonly Outcome[] = [
  { network: 'tcp', section: 'stream ids', test: '12: second', state: 'pass' },
  { network: 'memory', section: 'stream ids', test: '12: second', state: 'fail' },
  { network: 'websocket', section: 'stream ids', test: '12: second', state: 'pass' },
  { network: 'memory', section: 'setup', test: '3: first', state: 'skip', reason: 'no WebSocket' },
  { network: 'tcp', section: 'setup', test: '3: first', state: 'skip', reason: 'no WebSocket' },
  { network: 'websocket', section: 'setup', test: '3: first', state: 'pass' },
]

describe('rowsOf', () => {
  it('gives a row a point, by number', () => {
    expect(rowsOf(outcomes)).toEqual([
      { number: 3, section: 'setup', title: 'first', memory: 'no WebSocket', tcp: 'no WebSocket', websocket: 'pass' },
      { number: 12, section: 'stream ids', title: 'second', memory: 'fail', tcp: 'pass', websocket: 'pass' },
    ])
  })

  it('says where a point has no test', () => {
    expect(rowsOf(outcomes.slice(0, 1))).toMatchObject([{ memory: 'missing', tcp: 'pass', websocket: 'missing' }])
  })
})

describe('tableOf', () => {
  it('begins each row with its number', () => {
    const [, ...lines] = tableOf(rowsOf(outcomes))

    expect(lines).toEqual([
      '  3  no WebSocket  no WebSocket  pass       setup       first',
      ' 12  fail          pass          pass       stream ids  second',
    ])
  })
})

describe('countRows', () => {
  it('counts a point that fails somewhere, or has no test', () => {
    const [first, second] = [outcomes.slice(3), outcomes.slice(0, 1)].map(each => countRows(rowsOf(each)))

    expect(countRows(rowsOf(outcomes))).toEqual({ points: 2, passed: 1, failed: 1, notApplicable: 1 })
    expect([first?.failed, second?.failed]).toEqual([0, 1])
  })
})
