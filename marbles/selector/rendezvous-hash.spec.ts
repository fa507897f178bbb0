import { rendezvousHash } from 'millrace/selector'
import { describe, it } from 'vitest'
import { checkPicks } from '../../test/selector/check-picks.js'

describe('rendezvousHash', () => {
  it('picks the same node for the same key', () => {
    checkPicks(rendezvousHash, {
      snapshots: 's--------t-----',
      picks: '    -klmklmklmklm--',
      picked: '   -ccbccbccbccb--',
    })
  })

  it('moves only the keys of a node that left', () => {
    checkPicks(rendezvousHash, {
      snapshots: 's---u---s------',
      picks: '    -klm-klm-klm---',
      picked: '   -ccb-bab-ccb---',
    })
  })

  it('keeps keys when a node moves', () => {
    checkPicks(rendezvousHash, {
      snapshots: 's---M----------',
      picks: '    -klm-klm-------',
      picked: '   -ccb-ccb-------',
    })
  })

  it('goes to any node without a key', () => {
    checkPicks(rendezvousHash, {
      snapshots: 's--------------',
      picks: '    -pppppppppppp--',
      picked: '   -bbabbaacaccb--',
    })
  })

  it('learns nothing from outcomes', () => {
    checkPicks(rendezvousHash, {
      snapshots: 's--------------',
      outcomes: ' -(abc)---------',
      picks: '    -klm---klm-----',
      picked: '   -ccb---ccb-----',
    })
  })
})
