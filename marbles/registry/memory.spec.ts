import { memoryRegistry, type Instance } from 'millrace/registry'
import { marbles } from 'millrace/testing'
import { map } from 'rxjs'
import { describe, it } from 'vitest'
import { instanceOf } from '../../test/compliance/registry-probe.js'
import { pictures } from '../../test/registry/pictures.js'

/** Instances of one service: `a` and `b`, and `c` in the place of `a`; `x` of another service. */
const INSTANCES: { readonly [marble: string]: Instance } = {
  a: instanceOf('words', 'a'),
  b: instanceOf('words', 'b'),
  c: instanceOf('words', 'a', { version: '2.0.0' }),
  x: instanceOf('lines', 'a'),
}

describe('memoryRegistry', () => {
  it('shows a node from its registration to its completion', () => {
    marbles(({ cold, expectObservable, expectSubscriptions, runtime }) => {
      const registry = memoryRegistry({ runtime })
      const instance$ = cold('                       ---a----|', INSTANCES)
      const registered$ = registry.register(instance$).pipe(map(() => 'r'))

      expectObservable(pictures(registry.watch('words')), '^-----------!').toBe('e--o----e')
      expectObservable(registered$).toBe('           ---r----|')
      expectSubscriptions(instance$).toBe('          ^-------!')
    })
  })

  it('takes a node away when its registration is unsubscribed', () => {
    marbles(({ cold, expectObservable, expectSubscriptions, runtime }) => {
      const registry = memoryRegistry({ runtime })
      const instance$ = cold('                       ---a', INSTANCES)
      const registered$ = registry.register(instance$).pipe(map(() => 'r'))

      expectObservable(pictures(registry.watch('words')), '^-----------!').toBe('e--o--e')
      expectObservable(registered$, '                ^-----!').toBe('           ---r')
      expectSubscriptions(instance$).toBe('          ^-----!')
    })
  })

  it('takes a node away when its registration fails', () => {
    marbles(({ cold, expectObservable, runtime }) => {
      const registry = memoryRegistry({ runtime })
      const registered$ = registry.register(cold('   ---a--#', INSTANCES)).pipe(map(() => 'r'))

      expectObservable(pictures(registry.watch('words')), '^-----------!').toBe('e--o--e')
      expectObservable(registered$).toBe('           ---r--#')
    })
  })

  it('shows each of several nodes', () => {
    marbles(({ cold, expectObservable, runtime }) => {
      const registry = memoryRegistry({ runtime })
      const first$ = registry.register(cold('        -a-----|', INSTANCES)).pipe(map(() => 'r'))
      const second$ = registry.register(cold('       ---b------|', INSTANCES)).pipe(map(() => 'r'))

      expectObservable(pictures(registry.watch('words')), '^-----------!').toBe('eo-t---o--e')
      expectObservable(first$).toBe('                -r-----|')
      expectObservable(second$).toBe('               ---r------|')
    })
  })

  it('shows a late watcher what is there', () => {
    marbles(({ cold, expectObservable, runtime }) => {
      const registry = memoryRegistry({ runtime })
      const registered$ = registry.register(cold('   -a-----|', INSTANCES)).pipe(map(() => 'r'))

      expectObservable(pictures(registry.watch('words')), '---^--------!').toBe('---o---e')
      expectObservable(registered$).toBe('           -r-----|')
    })
  })

  it('says nothing of what changes nothing', () => {
    marbles(({ cold, expectObservable, runtime }) => {
      const registry = memoryRegistry({ runtime })
      const registered$ = registry.register(cold('   -a-a-a-|', INSTANCES)).pipe(map(() => 'r'))

      expectObservable(pictures(registry.watch('words')), '^-----------!').toBe('eo-----e')
      expectObservable(registered$).toBe('           -r-r-r-|')
    })
  })

  it('says nothing of other services', () => {
    marbles(({ cold, expectObservable, runtime }) => {
      const registry = memoryRegistry({ runtime })
      const registered$ = registry.register(cold('   -x-----|', INSTANCES)).pipe(map(() => 'r'))

      expectObservable(pictures(registry.watch('words')), '^-----------!').toBe('e')
      expectObservable(pictures(registry.watch()), '       ^-----------!').toBe('eo-----e')
      expectObservable(registered$).toBe('           -r-----|')
    })
  })

  it('leaves a node to who has registered it last', () => {
    marbles(({ cold, expectObservable, runtime }) => {
      const registry = memoryRegistry({ runtime })
      const first$ = registry.register(cold('        -a---|', INSTANCES)).pipe(map(() => 'r'))
      const second$ = registry.register(cold('       ---c----|', INSTANCES)).pipe(map(() => 'r'))

      expectObservable(pictures(registry.watch('words')), '^-----------!').toBe('eo-o----e')
      expectObservable(first$).toBe('                -r---|')
      expectObservable(second$).toBe('               ---r----|')
    })
  })

  it('answers at once, with what is there now', () => {
    marbles(({ cold, expectObservable, runtime }) => {
      const registry = memoryRegistry({ runtime })
      const registered$ = registry.register(cold('   -a-----|', INSTANCES)).pipe(map(() => 'r'))
      const known$ = registry.get('words').pipe(map(services => String(services.length)))

      expectObservable(registered$).toBe('           -r-----|')
      expectObservable(known$, '^').toBe('           (0|)')
      expectObservable(known$, '---^').toBe('        ---(1|)')
      expectObservable(known$, '--------^').toBe('   --------(0|)')
    })
  })
})
