import { random } from 'millrace/selector'
import { describe, it } from 'vitest'
import { checkPicks } from '../../test/selector/check-picks.js'

describe('random', () => {
  it('draws from the seed', () => {
    checkPicks(random, {
      snapshots: 's--------------',
      picks: '    -pppppppppppp--',
      picked: '   -bbabbaacaccb--',
    })
  })

  it('passes over a node that was tried', () => {
    checkPicks(random, {
      snapshots: 's--------------',
      picks: '    -qqqqqqqqqqqq--',
      picked: '   -bbbbbbbcbccc--',
    })
  })

  it('goes with the newest snapshot', () => {
    checkPicks(random, {
      snapshots: 's--d--n--o-----',
      picks: '    -p--pp-pp-pp---',
      picked: '   -b--dd-nn-aa---',
    })
  })

  it('learns nothing from outcomes', () => {
    checkPicks(random, {
      snapshots: 's--------------',
      outcomes: ' (abc)----------',
      picks: '    -pppppppppppp--',
      picked: '   -bbabbaacaccb--',
    })
  })

  it('lets go of the snapshots when unsubscribed', () => {
    checkPicks(random, {
      snapshots: ' s-----s',
      picks: '     -p-p-p-p',
      picked: '    -b-b',
      subscribed: '^---!',
    })
  })
})
