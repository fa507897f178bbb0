import { defaultSelector, filterLabel } from 'millrace/selector'
import { pipe } from 'rxjs'
import { describe, it } from 'vitest'
import { checkPicks } from '../../test/selector/check-picks.js'

describe('defaultSelector', () => {
  it('does not pick a node that refused for a second', () => {
    checkPicks(defaultSelector, {
      snapshots: 's------------------',
      outcomes: ' -(ac)--------------',
      picks: '    --pppp 1s pppppp---',
      picked: '   --bbbb 1s caccac---',
      subscribed: '^ 1100ms !',
    })
  })

  it('picks a node again after a call that ended well', () => {
    checkPicks(defaultSelector, {
      snapshots: 's------------------',
      outcomes: ' -(ac)---A----------',
      picks: '    --pppp---pppppp----',
      picked: '   --bbbb---aaaaba----',
    })
  })

  it('picks the node that refused before all others', () => {
    checkPicks(defaultSelector, {
      snapshots: 's--------------',
      outcomes: ' -b-a-c---------',
      picks: '    --------ppp----',
      picked: '   --------bbb----',
    })
  })

  it('does not pick a node that has failed five times', () => {
    checkPicks(defaultSelector, {
      snapshots: 's-------------------',
      outcomes: ' -(xxxxx)------------',
      picks: '    ----------pppppp---',
      picked: '   ----------cbcbcb---',
    })
  })

  it('is for one zone behind a filter', () => {
    checkPicks(context => pipe(filterLabel('zone', 'eu'), defaultSelector(context)), {
      snapshots: 's---',
      picks: '    -p--',
      picked: '   -n--',
    })
  })
})
