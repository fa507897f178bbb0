import { ejectOutliers, type EjectOutliersOptions, leastPending, roundRobin } from 'millrace/selector'
import { pipe } from 'rxjs'
import { describe, it } from 'vitest'
import { checkPicks } from '../../test/selector/check-picks.js'
import { checkHiding, type HidingLanes } from '../../test/selector/check-hiding.js'

interface Lanes extends HidingLanes {
  readonly options?: EjectOutliersOptions
}

/** Large groups begin with two nodes, as the diagrams have few; two faults in a row eject for 10 ms. */
function large({ options, ...lanes }: Lanes): void {
  const small = { smallGroup: 0, faults: 2, ejectionMs: 10, maxEjectionMs: 25, intervalMs: 100 }
  checkHiding(context => ejectOutliers(context, { ...small, ...options }), lanes)
}

/** A small group, and two faults in a row eject for 5 to 10 ms. */
function small({ options, ...lanes }: Lanes): void {
  checkHiding(context => ejectOutliers(context, { faults: 2, smallEjectionMs: 10, ...options }), lanes)
}

describe('ejectOutliers', () => {
  it('ejects a node after faults in a row', () => {
    large({
      snapshots: 's---------------',
      outcomes: ' -x-x------------',
      left: '     o--x---------o--',
    })
  })

  it('counts anew after a call that ends well', () => {
    large({
      snapshots: 's-------------------',
      outcomes: ' -x-A-x-x------------',
      left: '     o------x---------o--',
    })
  })

  it('does not count cancelled calls and faults of callers', () => {
    large({
      snapshots: 's----------',
      outcomes: ' -xkikikikii',
      left: '     o----------',
    })
  })

  it('tries a node with one call after its time', () => {
    large({
      snapshots: 's-------------------',
      outcomes: ' -(xx)-----------A---',
      picks: '    ------------ba------',
      left: '     ox---------o-x--o---',
    })
  })

  it('ejects it for longer when its trial fails', () => {
    large({
      snapshots: 's-----------------------------------',
      outcomes: ' -(xx)----------x--------------------',
      picks: '    ------------a-----------------------',
      left: '     ox---------ox----------------------o',
    })
  })

  it('sends one call on trial, in turn', () => {
    checkPicks(context => pipe(ejectOutliers(context, { faults: 1, smallEjectionMs: 10 }), roundRobin(context)), {
      snapshots: 'u----------------------------',
      outcomes: ' -b------------------B--------',
      picks: '    --ppp--------pppp----pp------',
      picked: '   --aaa--------abaa----ab------',
    })
  })

  it('sends one call on trial, by load', () => {
    checkPicks(context => pipe(ejectOutliers(context, { faults: 1, smallEjectionMs: 10 }), leastPending(context)), {
      snapshots: 'u----------------------------',
      outcomes: ' -b------------------B--------',
      picks: '    --ppp--------pppp----pp------',
      picked: '   --aaa--------baaa----bb------',
    })
  })

  it('ejects for the longest time at most', () => {
    large({
      snapshots: 's-----------------------------------------------------------------',
      outcomes: ' -(xx)-------x--------------------x--------------------------------',
      left: '     ox---------ox-------------------ox------------------------o-------',
    })
  })

  it('tries again when a trial says nothing', () => {
    large({
      snapshots: 's--------------------------',
      outcomes: ' -(xx)---------k--i---------',
      picks: '    ------------a---a----------',
      left: '     ox---------ox-o-xo---------',
    })
  })

  it('tries again when nobody tells how a trial ends', () => {
    large({
      snapshots: 's--------------------------',
      outcomes: ' -(xx)----------------------',
      picks: '    ------------a--------------',
      left: '     ox---------ox---------o----',
    })
  })

  it('ignores late calls of an ejected node', () => {
    large({
      snapshots: 's---------------',
      outcomes: ' -(xx)-xA-x------',
      left: '     ox---------o----',
    })
  })

  it('ejects one node of a large group at most', () => {
    large({
      snapshots: 's----------------------',
      outcomes: ' -(xx)-(yy)-------------',
      left: '     ox---------o-----------',
    })
  })

  it('ejects for shorter after an interval without faults', () => {
    large({
      snapshots: 's------------------------------------------',
      outcomes: ' -(xx)-------A-------A----(xx)--------------',
      left: '     ox---------o-------------x---------o-------',
      options: { intervalMs: 20 },
    })
  })

  it('ejects half of a small group', () => {
    small({
      snapshots: 'u-------------',
      outcomes: ' -(xx)---------',
      left: '     zb--------z---',
    })
  })

  it('doubles the time of a small group, with jitter', () => {
    small({
      snapshots: 'u------------------------------------',
      outcomes: ' -(xx)---------x----------------------',
      left: '     zb--------z---b----------------z-----',
    })
  })

  it('uses all nodes when most are unhealthy', () => {
    small({
      snapshots: 's----------------------------',
      outcomes: ' -(xx)-(yy)-------------------',
      left: '     ox----o----------------------',
    })
  })

  it('never ejects the only node', () => {
    small({
      snapshots: 'O-----------',
      outcomes: ' -(xxxxxx)---',
      left: '     a-----------',
    })
  })

  it('ejects a node of a small group that fails often', () => {
    small({
      snapshots: 's-------------------------------------------',
      outcomes: ' (AAA)(AAA)(AAA)(AAA)(AAA)x-A-x-A-x-A-x-A-x--',
      left: '     o----------------------------------------x--',
      options: { faults: 100, smallEjectionMs: 1000 },
    })
  })

  it('takes a node back that a snapshot changes', () => {
    large({
      snapshots: 's----M-----',
      outcomes: ' -(xx)------',
      left: '     ox---o-----',
    })
  })

  it('forgets a node that was gone', () => {
    large({
      snapshots: 's----Ls-----',
      outcomes: ' -(xx)-------',
      left: '     ox---xo-----',
    })
  })

  it('goes on when the outcomes fail', () => {
    large({
      snapshots: 's------L-------',
      outcomes: ' -(xx)#---------',
      left: '     ox-----x-------',
      learning: ' ^----!',
    })
  })

  it('stops its timer when unsubscribed', () => {
    large({
      snapshots: '   s---------',
      outcomes: '    -(xx)-----',
      left: '        ox--------',
      unsubscribed: '---!',
    })
  })
})
