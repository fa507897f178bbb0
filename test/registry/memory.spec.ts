import { interrupted, memoryRegistry } from 'millrace/registry'
import { BehaviorSubject } from 'rxjs'
import { testRegistry } from 'millrace/testing/compliance'
import { describe, it } from 'vitest'

testRegistry(
  { describe, it },
  {
    name: 'memoryRegistry',
    setup: () => {
      const registry = memoryRegistry()
      return { here: registry, there: registry, openResources: () => 0 }
    },
    lacks: ['outages'],
  },
)

testRegistry(
  { describe, it },
  {
    name: 'interrupted',
    setup: () => {
      const down$ = new BehaviorSubject(false)
      const registry = interrupted(memoryRegistry(), down$)
      return {
        here: registry,
        there: registry,
        setDown: down => down$.next(down),
        openResources: () => (down$.observed ? 1 : 0),
      }
    },
  },
)
