import { filterLabel } from 'millrace/selector'
import { describe, it } from 'vitest'
import { checkFilter } from '../../test/selector/check-filter.js'

describe('filterLabel', () => {
  it('keeps the nodes with the value', () => {
    checkFilter(filterLabel('zone', 'eu'), {
      snapshots: ' s--a--b--|',
      left: '      y--a--n--|',
      subscribed: '^--------!',
    })
  })

  it('keeps no node without the label', () => {
    checkFilter(filterLabel('rack', '7'), {
      snapshots: ' s--n--|',
      left: '      n--n--|',
      subscribed: '^-----!',
    })
  })

  it('passes an error of the snapshots on', () => {
    checkFilter(filterLabel('zone', 'us'), {
      snapshots: ' s--#',
      left: '      b--#',
      subscribed: '^--!',
    })
  })

  it('lets go of the snapshots when unsubscribed', () => {
    checkFilter(filterLabel('zone', 'us'), {
      snapshots: '   s--b--s',
      left: '        b--b',
      unsubscribed: '^---!',
      subscribed: '  ^---!',
    })
  })
})
