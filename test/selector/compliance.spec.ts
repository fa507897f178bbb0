import { avoidRefused, defaultSelector, random, roundRobin, strategy } from 'millrace/selector'
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
