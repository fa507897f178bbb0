import { avoidRefused, type AvoidRefusedOptions } from 'millrace/selector'
import { describe, it } from 'vitest'
import { checkHiding, type HidingLanes } from '../../test/selector/check-hiding.js'

interface Lanes extends HidingLanes {
  readonly options?: AvoidRefusedOptions
}

/** Cool-downs are of 5 to 12 ms. */
function check({ options, ...lanes }: Lanes): void {
  checkHiding(context => avoidRefused(context, { coolDownMs: 5, maxCoolDownMs: 12, ...options }), lanes)
}

describe('avoidRefused', () => {
  it('leaves a node out for its cool-down', () => {
    check({
      snapshots: 's---------',
      outcomes: ' --a-------',
      left: '     o-x----o--',
    })
  })

  it('doubles the cool-down up to its maximum', () => {
    check({
      snapshots: 's-------------------------------------------------',
      outcomes: ' -a------a-----------a-------------a---------------',
      left: '     ox----o-x---------o-x-----------o-x-----------o---',
    })
  })

  it('does not count refusals of calls already under way', () => {
    check({
      snapshots: 's---------------------',
      outcomes: ' -(aaa)--a-------------',
      left: '     ox----o-x---------o---',
    })
  })

  it('renews the cool-down of a node that refuses during it', () => {
    check({
      snapshots: 's-----------',
      outcomes: ' -a--a------',
      left: '     ox-------o--',
    })
  })

  it('leaves a node out that drains', () => {
    check({
      snapshots: 's---------',
      outcomes: ' --d-------',
      left: '     o-x----o--',
    })
  })

  it('takes a node back when a call ends well', () => {
    check({
      snapshots: 's----------------',
      outcomes: ' -a-A-----a-------',
      left: '     ox-o-----x----o--',
    })
  })

  it('takes a node back when a snapshot changes it', () => {
    check({
      snapshots: 's--M-----',
      outcomes: ' -a-------',
      left: '     ox-o-----',
    })
  })

  it('keeps out a node that a snapshot does not change', () => {
    check({
      snapshots: 's--s-----',
      outcomes: ' -a-------',
      left: '     ox-x--o--',
    })
  })

  it('ignores a late refusal of an address that has changed', () => {
    check({
      snapshots: 's-M------',
      outcomes: ' ---a-----',
      left: '     o-o------',
    })
  })

  it('forgets a node that was gone', () => {
    check({
      snapshots: 's--Ls-----',
      outcomes: ' -a--------',
      left: '     ox-xo-----',
    })
  })

  it('leaves in the node whose refusal is longest ago', () => {
    check({
      snapshots: 's----------------',
      outcomes: ' -a-b-ca----------',
      left: '     ox-c-ab----------',
      options: { coolDownMs: 100, maxCoolDownMs: 100 },
    })
  })

  it('ignores other errors and cancellation', () => {
    check({
      snapshots: 's-----',
      outcomes: ' --x-z-',
      left: '     o-----',
    })
  })

  it('says nothing before the first snapshot', () => {
    check({
      snapshots: '---s-----',
      outcomes: ' -a-------',
      left: '     ---x--o--',
    })
  })

  it('goes on when the outcomes fail', () => {
    check({
      snapshots: 's-------L----',
      outcomes: ' -a-#---------',
      left: '     ox----o-x----',
      learning: ' ^--!',
    })
  })

  it('passes an empty snapshot on', () => {
    check({
      snapshots: 's--N--',
      outcomes: ' -a----',
      left: '     ox-n--',
    })
  })

  it('stops its timer when unsubscribed', () => {
    check({
      snapshots: '   s---------',
      outcomes: '    -a--------',
      left: '        ox--------',
      unsubscribed: '---!',
    })
  })
})
