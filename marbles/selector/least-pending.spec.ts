import { leastPending } from 'millrace/selector'
import { describe, it } from 'vitest'
import { checkPicks } from '../../test/selector/check-picks.js'

describe('leastPending', () => {
  it('goes in turn while nothing ends', () => {
    checkPicks(leastPending, {
      snapshots: 's--------------',
      picks: '    -p-p-p-p-p-p---',
      picked: '   -a-b-c-a-b-c---',
    })
  })

  it('picks the node whose call has ended', () => {
    checkPicks(leastPending, {
      snapshots: 's--------------',
      outcomes: ' -------B-C-C---',
      picks: '    -p-p-p--p-p-p-p',
      picked: '   -a-b-c--b-c-c-a',
    })
  })

  it('takes turns among nodes with nothing to do', () => {
    checkPicks(leastPending, {
      snapshots: 's--------------',
      outcomes: ' --A-B-C-A------',
      picks: '    -p-p-p-p-------',
      picked: '   -a-b-c-a-------',
    })
  })

  it('counts a call that fails or is cancelled as ended', () => {
    checkPicks(leastPending, {
      snapshots: 'u--------------',
      outcomes: ' ----k---a---x--',
      picks: '    -p-p-p-p-p-p-p-',
      picked: '   -b-a-a-b-a-a-a-',
    })
  })

  it('passes over a node that was tried', () => {
    checkPicks(leastPending, {
      snapshots: 's--------------',
      picks: '    -q-q-q-p-p-r---',
      picked: '   -c-b-c-a-b-a---',
    })
  })

  it('remembers calls of a node that was gone', () => {
    checkPicks(leastPending, {
      snapshots: 'o---d---u--------',
      outcomes: ' ------------(AA)-',
      picks: '    -pp------pp---pp-',
      picked: '   -aa------bb---aa-',
    })
  })

  it('counts nothing when the outcomes fail', () => {
    checkPicks(leastPending, {
      snapshots: 'o----u----------',
      outcomes: ' ---#------------',
      picks: '    -pp---p-p-p-----',
      picked: '   -aa---b-a-b-----',
    })
  })
})
