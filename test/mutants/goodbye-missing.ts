import { concat, NEVER, Observable } from 'rxjs'
import type { Mutant } from './mutant.js'

/** A node that stops never says goodbye to the registry. */
export const goodbyeMissing: Mutant = {
  name: 'goodbye missing',
  registry: registry => ({
    name: registry.name,
    register: instance$ =>
      new Observable(subscriber => {
        // Neither completion nor unsubscription reaches the registry.
        registry.register(concat(instance$, NEVER)).subscribe(registration => subscriber.next(registration))
      }),
    watch: name => registry.watch(name),
    get: name => registry.get(name),
    list: () => registry.list(),
  }),
}
