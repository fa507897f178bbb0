import { filterZone } from 'millrace/selector'
import { describe, it } from 'vitest'
import { checkFilter } from '../../test/selector/check-filter.js'

describe('filterZone', () => {
  it('keeps the nodes of the nearest zone', () => {
    checkFilter(filterZone({ zones: ['eu', 'us'] }), {
      snapshots: ' s--a--c--|',
      left: '      y--a--c--|',
      subscribed: '^--------!',
    })
  })

  it('overflows to the next zone when it is empty', () => {
    checkFilter(filterZone({ zones: ['eu', 'us'] }), {
      snapshots: ' s--b--s--|',
      left: '      y--b--y--|',
      subscribed: '^--------!',
    })
  })

  it('adds the next zone when there are too few', () => {
    checkFilter(filterZone({ zones: ['us', 'eu'], minNodes: 2 }), {
      snapshots: ' s--b--n--|',
      left: '      s--b--n--|',
      subscribed: '^--------!',
    })
  })

  it('goes to any zone last', () => {
    checkFilter(filterZone({ zones: ['asia'] }), {
      snapshots: ' s--a--b--|',
      left: '      s--a--b--|',
      subscribed: '^--------!',
    })
  })

  it('reads the label that it is told', () => {
    checkFilter(filterZone({ zones: ['eu'], label: 'region' }), {
      snapshots: ' s--|',
      left: '      s--|',
      subscribed: '^--!',
    })
  })

  it('passes an error of the snapshots on', () => {
    checkFilter(filterZone({ zones: ['us'] }), {
      snapshots: ' s--#',
      left: '      b--#',
      subscribed: '^--!',
    })
  })

  it('lets go of the snapshots when unsubscribed', () => {
    checkFilter(filterZone({ zones: ['us'] }), {
      snapshots: '   s--b--s',
      left: '        b--b',
      unsubscribed: '^---!',
      subscribed: '  ^---!',
    })
  })
})
