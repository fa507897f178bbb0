import { interrupted, memoryRegistry } from 'millrace/registry'
import { BehaviorSubject } from 'rxjs'
import { testRegistry } from '../compliance/registry.js'

testRegistry(
  'memoryRegistry',
  () => {
    const registry = memoryRegistry()
    return { here: registry, there: registry, openResources: () => 0 }
  },
  { outages: false },
)

testRegistry(
  'interrupted',
  () => {
    const down$ = new BehaviorSubject(false)
    const registry = interrupted(memoryRegistry(), down$)
    return {
      here: registry,
      there: registry,
      setDown: down => down$.next(down),
      openResources: () => (down$.observed ? 1 : 0),
    }
  },
  { outages: true },
)
