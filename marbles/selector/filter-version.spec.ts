import { filterVersion } from 'millrace/selector'
import { describe, it } from 'vitest'
import { checkFilter } from '../../test/selector/check-filter.js'

describe('filterVersion', () => {
  it('keeps the nodes of one version', () => {
    checkFilter(filterVersion('1.2.0'), {
      snapshots: ' s--b--c--|',
      left: '      b--b--n--|',
      subscribed: '^--------!',
    })
  })

  it('keeps the nodes of every version in a range', () => {
    checkFilter(filterVersion('1.x'), {
      snapshots: ' s--b--c--|',
      left: '      z--b--n--|',
      subscribed: '^--------!',
    })
  })

  it('passes an error of the snapshots on', () => {
    checkFilter(filterVersion('^2.0'), {
      snapshots: ' s--#',
      left: '      c--#',
      subscribed: '^--!',
    })
  })

  it('lets go of the snapshots when unsubscribed', () => {
    checkFilter(filterVersion('^2.0'), {
      snapshots: '   s--c--s',
      left: '        c--c',
      unsubscribed: '^---!',
      subscribed: '  ^---!',
    })
  })
})
