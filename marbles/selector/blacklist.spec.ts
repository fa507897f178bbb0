import { blacklist, type BlacklistOptions } from 'millrace/selector'
import { describe, it } from 'vitest'
import { checkHiding, type HidingLanes } from '../../test/selector/check-hiding.js'

interface Lanes extends HidingLanes {
  readonly options?: BlacklistOptions
}

/** Three faults, which are forgotten after 10 ms. */
function check({ options, ...lanes }: Lanes): void {
  checkHiding(context => blacklist(context, { forgetMs: 10, ...options }), lanes)
}

describe('blacklist', () => {
  it('leaves a node out after three faults', () => {
    check({
      snapshots: 's--------------------',
      outcomes: ' -x-x-x---------------',
      left: '     o----x---------o-----',
    })
  })

  it('forgets faults after a call that ends well', () => {
    check({
      snapshots: 's--------------------',
      outcomes: ' -x-xAx-x-x-----------',
      left: '     o--------x---------o-',
    })
  })

  it('forgets faults that are long ago', () => {
    check({
      snapshots: 's-----------------------',
      outcomes: ' -x-x---------x-x--------',
      left: '     o-----------------------',
    })
  })

  it('takes a node back when a call ends well', () => {
    check({
      snapshots: 's-----------',
      outcomes: ' -(xxx)---A--',
      left: '     ox-------o--',
    })
  })

  it('renews the time with each fault', () => {
    check({
      snapshots: 's-------------------',
      outcomes: ' -(xxx)---x----------',
      left: '     ox-----------------o',
    })
  })

  it('does not count cancelled calls and faults of callers', () => {
    check({
      snapshots: 's--------',
      outcomes: ' -xxkikiki',
      left: '     o--------',
    })
  })

  it('leaves all in when none would be left', () => {
    check({
      snapshots: 'u-------------------------------',
      outcomes: ' -(xxx)---(yyy)------------------',
      left: '     zb-------z-----------a-------z--',
      options: { forgetMs: 20 },
    })
  })

  it('forgets a node that was gone', () => {
    check({
      snapshots: 's-------Ls-----',
      outcomes: ' -(xxx)---------',
      left: '     ox------xo-----',
    })
  })

  it('leaves out after as many faults as it is told', () => {
    check({
      snapshots: 's--------------',
      outcomes: ' -x-------------',
      left: '     ox---------o---',
      options: { faults: 1 },
    })
  })

  it('goes on when the outcomes fail', () => {
    check({
      snapshots: 's-------L-------',
      outcomes: ' -(xxx)#---------',
      left: '     ox------x-------',
      learning: ' ^-----!',
    })
  })

  it('stops its timer when unsubscribed', () => {
    check({
      snapshots: '   s---------',
      outcomes: '    -(xxx)----',
      left: '        ox--------',
      unsubscribed: '---!',
    })
  })
})
