import { cached, interrupted, memoryRegistry } from 'millrace/registry'
import { testRegistry } from 'millrace/testing/compliance'
import { BehaviorSubject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { thrownBy } from '../support/thrown-by.js'

testRegistry(
  { describe, it },
  {
    name: 'cached',
    setup: () => {
      const down$ = new BehaviorSubject(false)
      // Without a time for which answers are good, what has changed meanwhile shows.
      const registry = cached(interrupted(memoryRegistry(), down$), { ttlMs: 0 })
      return {
        here: registry,
        there: registry,
        setDown: down => down$.next(down),
        openResources: () => (down$.observed ? 1 : 0),
      }
    },
  },
)

describe('cached', () => {
  it('forgets the oldest answer beyond its limit', () => {
    const registry = cached(memoryRegistry(), { maxNames: 2 })

    for (const name of ['a', 'b', 'c']) registry.get(name).subscribe()

    expect(['a', 'b', 'c'].map(name => registry.age(name) === undefined)).toEqual([true, false, false])
  })

  it('lists what is wrong with its options', () => {
    const error = thrownBy(() => cached(memoryRegistry(), { ttlMs: -1, watchAgainMs: 0 }))

    expect(error.reason).toBe('invalid_options')
    expect(error.details).toHaveLength(2)
  })
})
