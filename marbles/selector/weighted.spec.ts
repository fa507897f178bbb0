import { weighted } from 'millrace/selector'
import { describe, it } from 'vitest'
import { checkPicks } from '../../test/selector/check-picks.js'

describe('weighted', () => {
  it('picks a node as often as its weight says', () => {
    checkPicks(weighted(), {
      snapshots: 'w----------------------',
      picks: '    -pppppppppppppppppppp--',
      picked: '   -bbabbaabbbbbbbbbbbbb--',
    })
  })

  it('picks all alike when none has a weight', () => {
    checkPicks(weighted(), {
      snapshots: 's--------------',
      picks: '    -pppppppppppp--',
      picked: '   -bbabbaacaccb--',
    })
  })

  it('picks all alike when all weigh nothing', () => {
    checkPicks(weighted(), {
      snapshots: 'v--------------',
      picks: '    -pppppppppppp--',
      picked: '   -aaaaaaababbb--',
    })
  })

  it('takes what is no weight for one', () => {
    checkPicks(weighted(), {
      snapshots: 'i--------------',
      picks: '    -pppppppppppp--',
      picked: '   -bbabbaacaccb--',
    })
  })

  it('reads the label that it is told', () => {
    checkPicks(weighted({ label: 'cores' }), {
      snapshots: 'w--------------',
      picks: '    -pppppppppppp--',
      picked: '   -bbabbaacaccb--',
    })
  })

  it('passes over a node that was tried', () => {
    checkPicks(weighted(), {
      snapshots: 'w--------------',
      picks: '    -qqqqqqqqqqqq--',
      picked: '   -bbbbbbbbbbbb--',
    })
  })
})
