import { seededRuntime } from 'millrace/core'
import type { Snapshot } from 'millrace/registry'
import { subset, type SubsetOptions } from 'millrace/selector'
import { NEVER, type OperatorFunction, VirtualTimeScheduler } from 'rxjs'
import { describe, it } from 'vitest'
import { checkFilter } from '../../test/selector/check-filter.js'

function subsetOf(options: SubsetOptions): OperatorFunction<Snapshot, Snapshot> {
  const runtime = seededRuntime({ scheduler: new VirtualTimeScheduler(), seed: 1 })
  return subset({ runtime, outcomes$: NEVER }, options)
}

describe('subset', () => {
  it('keeps as many nodes as it is told', () => {
    checkFilter(subsetOf({ size: 2, client: 'one' }), {
      snapshots: ' s--s--n--|',
      left: '      z--z--n--|',
      subscribed: '^--------!',
    })
  })

  it('keeps others for another client', () => {
    checkFilter(subsetOf({ size: 2, client: 'two' }), {
      snapshots: ' s--s--n--|',
      left: '      y--y--n--|',
      subscribed: '^--------!',
    })
  })

  it('uses all nodes when there are few', () => {
    checkFilter(subsetOf({ size: 3, client: 'one' }), {
      snapshots: ' s--a--b--|',
      left: '      s--a--b--|',
      subscribed: '^--------!',
    })
  })

  it('draws a client of its own by default', () => {
    checkFilter(subsetOf({ size: 1 }), {
      snapshots: ' s--s--|',
      left: '      b--b--|',
      subscribed: '^-----!',
    })
  })

  it('passes an error of the snapshots on', () => {
    checkFilter(subsetOf({}), {
      snapshots: ' s--#',
      left: '      s--#',
      subscribed: '^--!',
    })
  })

  it('lets go of the snapshots when unsubscribed', () => {
    checkFilter(subsetOf({}), {
      snapshots: '   s--b--s',
      left: '        s--b',
      unsubscribed: '^---!',
      subscribed: '  ^---!',
    })
  })
})
