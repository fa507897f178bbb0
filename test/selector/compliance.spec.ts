import { avoidRefused, defaultSelector, random, roundRobin, strategy } from 'millrace/selector'
import { pipe } from 'rxjs'
import { testSelector } from '../compliance/selector.js'

testSelector('random', random, { spreads: true })
testSelector('roundRobin', roundRobin, { spreads: true })
testSelector('defaultSelector', defaultSelector, { spreads: true })
testSelector('avoidRefused', context => pipe(avoidRefused(context), roundRobin(context)), { spreads: true })
testSelector(
  'strategy',
  strategy(() => () => 0),
  { spreads: false },
)
