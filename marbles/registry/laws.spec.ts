import { map, NEVER, of, type Observable } from 'rxjs'
import { healthGated, interrupted, memoryRegistry, staticRegistry, type Registry } from 'millrace/registry'
import { instanceOf } from '../../test/compliance/registry-probe.js'
import { idsOf, serviceOf, snapshotOf } from '../../test/selector/snapshots.js'
import { testOperatorLaws } from '../../test/support/operator-laws.js'

/** Letters as the snapshots that a watch shows. */
const watched =
  (around: (registry: Registry) => Registry) =>
  (letter$: Observable<string>): Observable<string> => {
    const watch = (): ReturnType<Registry['watch']> =>
      letter$.pipe(map(letter => snapshotOf(serviceOf('1.0.0', [letter]))))
    return around({ ...nothing, watch })
      .watch('words')
      .pipe(map(snapshot => idsOf(snapshot).join()))
  }

/** Letters as the instances that are registered. */
const registered =
  (registry: Registry) =>
  (letter$: Observable<string>): Observable<string> =>
    registry
      .register(letter$.pipe(map(letter => instanceOf('words', letter))))
      .pipe(map(({ instance }) => instance.node.id))

/** A registry in which nothing ever happens. */
const nothing: Registry = {
  name: 'nothing',
  register: () => NEVER,
  watch: () => NEVER,
  get: () => NEVER,
  list: () => NEVER,
}

const up$ = of(false)

testOperatorLaws('memoryRegistry register', { passing: ({ runtime }) => registered(memoryRegistry({ runtime })) })
testOperatorLaws('interrupted register', {
  passing: ({ runtime }) => registered(interrupted(memoryRegistry({ runtime }), up$)),
})
testOperatorLaws('interrupted watch', { passing: () => watched(registry => interrupted(registry, up$)) })
testOperatorLaws('staticRegistry register', {
  passing: ({ runtime }) => registered(staticRegistry({ nodes: { words: 'a:1' }, runtime })),
})
testOperatorLaws('healthGated register', {
  passing: ({ runtime }) => registered(healthGated(memoryRegistry({ runtime }), of(true))),
})
testOperatorLaws('healthGated watch', { passing: () => watched(registry => healthGated(registry, of(true))) })
