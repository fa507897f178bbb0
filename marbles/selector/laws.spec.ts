import { EMPTY, map, pipe, type MonoTypeOperatorFunction, type OperatorFunction } from 'rxjs'
import * as E from 'fp-ts/lib/Either.js'
import type { Snapshot } from 'millrace/registry'
import {
  avoidRefused,
  blacklist,
  defaultSelector,
  ejectOutliers,
  filterEndpoint,
  filterLabel,
  filterNodes,
  filterVersion,
  filterZone,
  leastPending,
  marked,
  p2c,
  random,
  rendezvousHash,
  roundRobin,
  strategy,
  subset,
  weighted,
  type Selector,
  type SelectorContext,
} from 'millrace/selector'
import type { MarbleKit } from 'millrace/testing'
import { idsOf, nodeOf, serviceOf, snapshotOf } from '../../test/selector/snapshots.js'
import { testOperatorLaws } from '../../test/support/operator-laws.js'

/** Letters as snapshots of the one node with that name. */
const asSnapshots: OperatorFunction<string, Snapshot> = map(letter =>
  snapshotOf(serviceOf('1.0.0', [nodeOf(letter, { zone: 'eu' })], ['words.count'])),
)

/** A filter that takes nothing away. */
const keeping = (filter: OperatorFunction<Snapshot, Snapshot>): MonoTypeOperatorFunction<string> =>
  pipe(
    asSnapshots,
    filter,
    map(snapshot => idsOf(snapshot).join()),
  )

/** The picks of a selector, one from each of its answers. */
const picking = (selector: Selector, kit: MarbleKit): MonoTypeOperatorFunction<string> =>
  pipe(
    asSnapshots,
    selector(contextOf(kit)),
    map(next => next({})),
    map(
      E.match(
        ({ reason }) => reason,
        ({ id }) => id,
      ),
    ),
  )

/** Without outcomes a selector ends with its snapshots. */
const contextOf = ({ runtime }: MarbleKit): SelectorContext => ({ runtime, outcomes$: EMPTY })

testOperatorLaws('filterLabel', { passing: () => keeping(filterLabel('zone', 'eu')) })
testOperatorLaws('filterVersion', { passing: () => keeping(filterVersion('1.x')) })
testOperatorLaws('filterEndpoint', { passing: () => keeping(filterEndpoint('words.count')) })
testOperatorLaws('filterNodes', {
  passing: () => keeping(filterNodes('of no use', () => true)),
  calling: (_, callback) => keeping(filterNodes('of no use', ({ id }) => (callback(id), true))),
})
testOperatorLaws('avoidRefused', { passing: kit => keeping(avoidRefused(contextOf(kit))) })

testOperatorLaws('blacklist', { passing: kit => keeping(blacklist(contextOf(kit))) })
testOperatorLaws('ejectOutliers', { passing: kit => keeping(ejectOutliers(contextOf(kit))) })
testOperatorLaws('filterZone', { passing: () => keeping(filterZone({ zones: ['us'] })) })
testOperatorLaws('subset', { passing: kit => keeping(subset(contextOf(kit))) })

testOperatorLaws('leastPending', { passing: kit => picking(leastPending, kit) })
testOperatorLaws('p2c', { passing: kit => picking(p2c(), kit) })
testOperatorLaws('weighted', { passing: kit => picking(weighted(), kit) })
testOperatorLaws('rendezvousHash', { passing: kit => picking(rendezvousHash, kit) })
testOperatorLaws('marked', { passing: kit => picking(marked(roundRobin).selector, kit) })
testOperatorLaws('random', { passing: kit => picking(random, kit) })
testOperatorLaws('roundRobin', { passing: kit => picking(roundRobin, kit) })
testOperatorLaws('defaultSelector', { passing: kit => picking(defaultSelector, kit) })
testOperatorLaws('strategy', {
  passing: kit =>
    picking(
      strategy(() => () => 0),
      kit,
    ),
})
