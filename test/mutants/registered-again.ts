import type { Instance } from 'millrace/registry'
import { ignoreElements, merge, of, concat, NEVER, skip, switchMap } from 'rxjs'
import type { Mutant } from './mutant.js'

/** After an outage a node registers anew, under another id, and its old registration stays. */
export const registeredAgain: Mutant = {
  name: 'registered twice after an outage',
  registry: registry => ({
    name: registry.name,
    register: instance$ => {
      const registered$ = registry.register(instance$)
      const again$ = registry.register(instance$).pipe(
        skip(1),
        switchMap(({ instance }) => registry.register(concat(of(renamed(instance)), NEVER))),
        ignoreElements(),
      )
      return merge(registered$, again$)
    },
    watch: name => registry.watch(name),
    get: name => registry.get(name),
    list: () => registry.list(),
  }),
}

function renamed(instance: Instance): Instance {
  return { ...instance, node: { ...instance.node, id: `${instance.node.id}-again` } }
}
