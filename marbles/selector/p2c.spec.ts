import { p2c } from 'millrace/selector'
import { describe, it } from 'vitest'
import { checkPicks } from '../../test/selector/check-picks.js'

// With two nodes both are always drawn, so what is picked shows the rule and not the draw.
describe('p2c', () => {
  it('picks an idle node that nothing is known of', () => {
    checkPicks(p2c(), {
      snapshots: 's--------------',
      outcomes: ' --------A------',
      picks: '    -p-p-p---ppp---',
      picked: '   -c-a-b---bac---',
    })
  })

  it('picks the faster node', () => {
    checkPicks(p2c(), {
      snapshots: 'u----------------',
      outcomes: ' ---(DB)-B-B-B----',
      picks: '    -pp----p-p-p-p---',
      picked: '   -ba----b-b-b-b---',
    })
  })

  it('weighs running calls', () => {
    checkPicks(p2c(), {
      snapshots: 'u----------------',
      outcomes: ' ---(AB)----------',
      picks: '    -pp----pppp------',
      picked: '   -ba----baba------',
    })
  })

  it('asks a slow node again when its cost has faded', () => {
    checkPicks(p2c({ decayMs: 10 }), {
      snapshots: 'u--------------------------------------------------------',
      outcomes: ' ---(DB)-B-----------B-----------B-----------B------------',
      picks: '    -pp----p-----------p-----------p-----------p-----------p-',
      picked: '   -ba----b-----------b-----------b-----------b-----------a-',
    })
  })

  it('does not prefer a node that fails fast', () => {
    checkPicks(p2c(), {
      snapshots: 'u------------------',
      outcomes: ' ---(xE)-E-E-E------',
      picks: '    -pp----p-p-p-p-----',
      picked: '   -ba----b-b-b-b-----',
    })
  })

  it('does not prefer a node that refuses fast', () => {
    checkPicks(p2c(), {
      snapshots: 'u------------------',
      outcomes: ' ---(fE)-E-E-E------',
      picks: '    -pp----p-p-p-p-----',
      picked: '   -ba----b-b-b-b-----',
    })
  })

  it('learns nothing of a stream without a message', () => {
    checkPicks(p2c(), {
      snapshots: 'u------------------',
      outcomes: ' ---(EA)--q-F-------',
      picks: '    -pp----pp----------',
      picked: '   -ba----aa----------',
    })
  })

  it('takes a cancelled call for a slow one', () => {
    checkPicks(p2c(), {
      snapshots: 'u------------------',
      outcomes: ' ---(kB)-B-B--------',
      picks: '    -pp----p-p-p-------',
      picked: '   -ba----b-b-b-------',
    })
  })

  it('does not take a fault of callers for speed', () => {
    checkPicks(p2c(), {
      snapshots: 'u------------------',
      outcomes: ' ---(DB)-i----------',
      picks: '    -pp----p-----------',
      picked: '   -ba----b-----------',
    })
  })

  it('knows nothing of a node with another address', () => {
    checkPicks(p2c(), {
      snapshots: 's--------M---------',
      outcomes: ' ---(DBC)-----------',
      picks: '    -ppp-----pppppp----',
      picked: '   -cac-----babcbb----',
    })
  })

  it('passes over a node that was tried', () => {
    checkPicks(p2c(), {
      snapshots: 'u--------------',
      picks: '    -q-q-r-r-------',
      picked: '   -b-b-a-a-------',
    })
  })
})
