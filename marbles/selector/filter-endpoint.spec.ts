import { filterEndpoint } from 'millrace/selector'
import { describe, it } from 'vitest'
import { checkFilter } from '../../test/selector/check-filter.js'

describe('filterEndpoint', () => {
  it('keeps the nodes that answer the endpoint', () => {
    checkFilter(filterEndpoint('words.tally'), {
      snapshots: ' s--a--b--|',
      left: '      x--n--b--|',
      subscribed: '^--------!',
    })
  })

  it('takes the whole name, contract and all', () => {
    checkFilter(filterEndpoint('tally'), {
      snapshots: ' s--|',
      left: '      n--|',
      subscribed: '^--!',
    })
  })

  it('passes an error of the snapshots on', () => {
    checkFilter(filterEndpoint('words.count'), {
      snapshots: ' s--#',
      left: '      z--#',
      subscribed: '^--!',
    })
  })

  it('lets go of the snapshots when unsubscribed', () => {
    checkFilter(filterEndpoint('words.count'), {
      snapshots: '   s--a--s',
      left: '        z--a',
      unsubscribed: '^---!',
      subscribed: '  ^---!',
    })
  })
})
