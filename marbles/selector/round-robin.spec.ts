import { roundRobin } from 'millrace/selector'
import { describe, it } from 'vitest'
import { checkPicks } from '../../test/selector/check-picks.js'

describe('roundRobin', () => {
  it('goes on in turn, over snapshots and stale ones', () => {
    checkPicks(roundRobin, {
      snapshots: 's-------t------',
      picks: '    -p-p-p-p-p-p---',
      picked: '   -a-b-c-a-b-c---',
    })
  })

  it('passes over a node that was tried', () => {
    checkPicks(roundRobin, {
      snapshots: 's--------------',
      picks: '    -q-q-q-q-------',
      picked: '   -c-b-c-b-------',
    })
  })

  it('takes tried nodes when no other is left', () => {
    checkPicks(roundRobin, {
      snapshots: 's----o---------',
      picks: '    -r-r--q-q------',
      picked: '   -a-b--a-a------',
    })
  })

  it('goes with the newest snapshot', () => {
    checkPicks(roundRobin, {
      snapshots: 's--d--n--s-----',
      picks: '    -p--p--p--p----',
      picked: '   -a--d--n--c----',
    })
  })

  it('learns nothing from outcomes', () => {
    checkPicks(roundRobin, {
      snapshots: 's--------------',
      outcomes: ' ---a-----------',
      picks: '    -p-p-p-p-------',
      picked: '   -a-b-c-a-------',
    })
  })

  it('lets go of the snapshots when unsubscribed', () => {
    checkPicks(roundRobin, {
      snapshots: ' s-----s',
      picks: '     -p-p-p-p',
      picked: '    -a-b',
      subscribed: '^---!',
    })
  })
})
