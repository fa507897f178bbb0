import { healthGated, memoryRegistry, type Instance } from 'millrace/registry'
import { marbles } from 'millrace/testing'
import { map } from 'rxjs'
import { describe, it } from 'vitest'
import { instanceOf } from '../../test/compliance/registry-probe.js'
import { pictures } from '../../test/registry/pictures.js'

const INSTANCES: { readonly [marble: string]: Instance } = {
  a: instanceOf('words', 'a'),
  b: instanceOf('words', 'b'),
}

const HEALTH = { t: true, f: false }

describe('healthGated register', () => {
  it('announces while health says true', () => {
    marbles(({ cold, runtime, expectObservable, expectSubscriptions }) => {
      const healthy$ = cold(' --t--t-f---t----  ', HEALTH)
      const registry = memoryRegistry({ runtime })
      const instance$ = cold('a-------------|   ', INSTANCES)
      const server$ = healthGated(registry, healthy$)
        .register(instance$)
        .pipe(map(({ instance }) => instance.node.id))

      expectObservable(server$).toBe('              --a--------a--|')
      expectObservable(pictures(registry.watch()), '^----------------!').toBe('e-o----e---o--e')
      expectSubscriptions(healthy$).toBe('          ^-------------!')
    })
  })

  it('announces the newest instance when health comes back', () => {
    marbles(({ cold, runtime, expectObservable }) => {
      const healthy$ = cold(' t-f---t', HEALTH)
      const instance$ = cold('a---b----|', INSTANCES)
      const server$ = healthGated(memoryRegistry({ runtime }), healthy$)
        .register(instance$)
        .pipe(map(({ instance }) => instance.node.id))

      expectObservable(server$).toBe('a-----b--|')
    })
  })

  it('keeps the last health after its completion', () => {
    marbles(({ cold, runtime, expectObservable }) => {
      const healthy$ = cold(' t-(f|)', HEALTH)
      const registry = memoryRegistry({ runtime })
      const server$ = healthGated(registry, healthy$)
        .register(cold('       a------|', INSTANCES))
        .pipe(map(({ instance }) => instance.node.id))

      expectObservable(server$).toBe('              a------|')
      expectObservable(pictures(registry.watch()), '-^--------!').toBe('-oe')
    })
  })

  it('fails with a health that fails, and says goodbye', () => {
    marbles(({ cold, runtime, expectObservable }) => {
      const healthy$ = cold(' t--#', HEALTH)
      const registry = memoryRegistry({ runtime })
      const server$ = healthGated(registry, healthy$)
        .register(cold('       a------|', INSTANCES))
        .pipe(map(({ instance }) => instance.node.id))

      expectObservable(server$).toBe('              a--#')
      expectObservable(pictures(registry.watch()), '-^--------!').toBe('-o-e')
    })
  })
})
