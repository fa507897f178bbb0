import { systemRuntime } from 'millrace/core'
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
} from 'millrace/selector'
import { NEVER, pipe } from 'rxjs'
import { testFilterLaws } from '../support/filter-laws.js'
import { testSelectorLaws } from '../support/selector-laws.js'

testSelectorLaws('random', random)
testSelectorLaws('roundRobin', roundRobin)
testSelectorLaws('defaultSelector', defaultSelector)
testSelectorLaws('avoidRefused', context => pipe(avoidRefused(context), roundRobin(context)))
testSelectorLaws('leastPending', leastPending)
testSelectorLaws('p2c', p2c())
testSelectorLaws('weighted', weighted())
testSelectorLaws('rendezvousHash', rendezvousHash)
testSelectorLaws('marked', marked(leastPending).selector)
testSelectorLaws('blacklist', context => pipe(blacklist(context, { faults: 1 }), roundRobin(context)))
testSelectorLaws('ejectOutliers', context => pipe(ejectOutliers(context, { faults: 1 }), p2c()(context)))
testSelectorLaws('a strategy behind a filter', context => pipe(filterVersion('1.x'), roundRobin(context)))
testSelectorLaws(
  'strategy',
  strategy(() => nodes => nodes.length - 1),
)

testFilterLaws('filterLabel', {
  filter: filterLabel('zone', 'eu'),
  keeps: ({ metadata }) => metadata['zone'] === 'eu',
})
testFilterLaws('filterVersion', {
  filter: filterVersion('1.x'),
  keeps: (_, { version }) => version.startsWith('1.'),
})
testFilterLaws('filterEndpoint', {
  filter: filterEndpoint('words.tally'),
  keeps: (_, { endpoints }) => endpoints.some(({ name }) => name === 'words.tally'),
})
testFilterLaws('filterNodes', {
  filter: filterNodes('after c', ({ id }) => id <= 'c'),
  keeps: ({ id }) => id <= 'c',
})
testFilterLaws('two filters', {
  filter: pipe(filterLabel('zone', 'us'), filterVersion('2.0.0')),
  keeps: ({ metadata }, { version }) => metadata['zone'] === 'us' && version === '2.0.0',
})
testFilterLaws('filterZone', {
  filter: filterZone({ zones: ['eu', 'us'], minNodes: 2 }),
  keeps: ({ metadata }, _, { services }) => {
    const zones = services.flatMap(({ nodes }) => nodes.map(node => node.metadata['zone']))
    const near = zones.filter(zone => zone === 'eu').length
    if (near >= 2) return metadata['zone'] === 'eu'
    return near + zones.filter(zone => zone === 'us').length < 2 || metadata['zone'] !== undefined
  },
})
testFilterLaws('subset of all', {
  filter: subset({ runtime: systemRuntime(), outcomes$: NEVER }, { size: 12, client: 'me' }),
  keeps: () => true,
})
