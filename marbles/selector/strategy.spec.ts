import { strategy } from 'millrace/selector'
import { describe, it } from 'vitest'
import { checkPicks } from '../../test/selector/check-picks.js'

const first = strategy(() => () => 0)
const last = strategy(() => nodes => nodes.length - 1)

describe('strategy', () => {
  it('picks the node of the index', () => {
    checkPicks(last, {
      snapshots: 's---d---n---o--',
      picks: '    -p-p-p-p-p-p-p-',
      picked: '   -c-c-d-d-n-n-a-',
    })
  })

  it('gives the function only nodes that were not tried', () => {
    checkPicks(first, {
      snapshots: 's--------------',
      picks: '    -p-q-p-q-------',
      picked: '   -a-b-a-b-------',
    })
  })

  it('gives it all when each was tried', () => {
    checkPicks(last, {
      snapshots: 's--------------',
      picks: '    -r-------------',
      picked: '   -c-------------',
    })
  })

  it('keeps the state of the function over snapshots', () => {
    const counting = strategy(() => {
      let turn = 0
      return nodes => turn++ % nodes.length
    })

    checkPicks(counting, {
      snapshots: 's----n----s----',
      picks: '    -p-p--p----p---',
      picked: '   -a-b--n----c---',
    })
  })

  it('answers strategy_failed for an index that is none', () => {
    checkPicks(
      strategy(() => nodes => nodes.length),
      {
        snapshots: 's---o---n-----',
        picks: '    -p---p---p----',
        picked: '   -x---x---n----',
      },
    )
  })

  it('goes on after a function that throws', () => {
    let calls = 0
    const once = strategy(() => () => {
      if (calls++ === 0) throw new Error('broken on purpose')
      return 0
    })

    checkPicks(once, {
      snapshots: 's--------------',
      picks: '    -p-p-p---------',
      picked: '   -x-a-a---------',
    })
  })
})
