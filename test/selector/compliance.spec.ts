import {
  avoidRefused,
  blacklist,
  defaultSelector,
  ejectOutliers,
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
import { pipe } from 'rxjs'
import { testSelector } from 'millrace/testing/compliance'
import { describe, it } from 'vitest'

testSelector({ describe, it }, { name: 'random', selector: random })
testSelector({ describe, it }, { name: 'roundRobin', selector: roundRobin })
testSelector({ describe, it }, { name: 'defaultSelector', selector: defaultSelector })
testSelector(
  { describe, it },
  { name: 'avoidRefused', selector: context => pipe(avoidRefused(context), roundRobin(context)) },
)
testSelector({ describe, it }, { name: 'strategy', selector: strategy(() => () => 0), lacks: ['spreading'] })
testSelector({ describe, it }, { name: 'leastPending', selector: leastPending })
testSelector({ describe, it }, { name: 'p2c', selector: p2c() })
testSelector({ describe, it }, { name: 'weighted', selector: weighted() })
testSelector({ describe, it }, { name: 'rendezvousHash', selector: rendezvousHash })
testSelector({ describe, it }, { name: 'marked', selector: marked(p2c()).selector })
testSelector(
  { describe, it },
  { name: 'blacklist', selector: context => pipe(blacklist(context), leastPending(context)) },
)
testSelector(
  { describe, it },
  { name: 'ejectOutliers', selector: context => pipe(ejectOutliers(context), p2c()(context)) },
)
testSelector(
  { describe, it },
  { name: 'filterZone', selector: context => pipe(filterZone({ zones: ['eu'] }), random(context)) },
)
testSelector(
  { describe, it },
  {
    name: 'subset',
    selector: context => pipe(subset(context, { size: 2 }), roundRobin(context)),
    lacks: ['spreading'],
  },
)
