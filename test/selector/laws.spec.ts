import {
  avoidRefused,
  defaultSelector,
  filterEndpoint,
  filterLabel,
  filterNodes,
  filterVersion,
  random,
  roundRobin,
  strategy,
} from 'millrace/selector'
import { pipe } from 'rxjs'
import { testFilterLaws } from '../support/filter-laws.js'
import { testSelectorLaws } from '../support/selector-laws.js'

testSelectorLaws('random', random)
testSelectorLaws('roundRobin', roundRobin)
testSelectorLaws('defaultSelector', defaultSelector)
testSelectorLaws('avoidRefused', context => pipe(avoidRefused(context), roundRobin(context)))
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
