import { interrupted, memoryRegistry, type Instance, type Registry } from 'millrace/registry'
import { marbles, type MarbleKit } from 'millrace/testing'
import { BehaviorSubject, map } from 'rxjs'
import { describe, it } from 'vitest'
import { instanceOf } from '../../test/compliance/registry-probe.js'
import { pictures, standings } from '../../test/registry/pictures.js'

const INSTANCES: { readonly [marble: string]: Instance } = {
  a: instanceOf('words', 'a'),
  b: instanceOf('words', 'b'),
}

const DOWN = { d: true, u: false }
const UNAVAILABLE = { code: 'UNAVAILABLE', reason: 'registry_unavailable' }

/** A registry that goes down (`d`) and comes up (`u`) as drawn; it is up before. */
function interruptedBy({ hot, runtime }: MarbleKit, down: string): { up: Registry; registry: Registry } {
  const up = memoryRegistry({ runtime })
  const down$ = new BehaviorSubject(false)
  hot(down, DOWN).subscribe(down$)
  return { up, registry: interrupted(up, down$) }
}

describe('interrupted watch', () => {
  it('says that it is stale while the registry is down', () => {
    marbles(kit => {
      const { registry } = interruptedBy(kit, '                 -----d----u')

      kit.expectObservable(pictures(registry.watch('words')), ' ^-------------!').toBe('e----E----e')
    })
  })

  it('keeps what it has, and catches up', () => {
    marbles(kit => {
      const { up, registry } = interruptedBy(kit, '             -----d----u')
      const server$ = up.register(kit.cold('                    -a-------|', INSTANCES)).pipe(map(() => 'r'))

      kit.expectObservable(pictures(registry.watch('words')), ' ^-------------!').toBe('eo---O----e')
      kit.expectObservable(server$).toBe('                      -r-------|')
    })
  })

  it('shows a watcher that comes during an outage nothing', () => {
    marbles(kit => {
      const { up, registry } = interruptedBy(kit, '             -----d----u')
      const server$ = up.register(kit.cold('                    -a---------|', INSTANCES)).pipe(map(() => 'r'))
      const watch$ = registry.watch('words')

      kit.expectObservable(pictures(watch$), '                  -------^------!').toBe('-------E--oe')
      kit.expectObservable(server$).toBe('                      -r---------|')
    })
  })

  it('lets go of the registry when unsubscribed', () => {
    marbles(({ cold, runtime, expectObservable, expectSubscriptions }) => {
      const down$ = cold('u--d--u', DOWN)
      const watch$ = interrupted(memoryRegistry({ runtime }), down$).watch('words')

      expectObservable(pictures(watch$), '^----!').toBe('e--E')
      expectSubscriptions(down$).toBe('   ^----!')
    })
  })
})

describe('interrupted get', () => {
  it('fails while the registry is down', () => {
    marbles(kit => {
      const { registry } = interruptedBy(kit, '           -----d----u')
      const known$ = registry.get('words').pipe(map(services => String(services.length)))

      kit.expectObservable(known$, '---^').toBe('        ---(0|)')
      kit.expectObservable(known$, '-------^').toBe('    -------#', undefined, UNAVAILABLE)
      kit.expectObservable(known$, '-----------^').toBe('-----------(0|)')
    })
  })
})

describe('interrupted register', () => {
  it('waits, and says so, while the registry is down', () => {
    marbles(kit => {
      const { up, registry } = interruptedBy(kit, '  --d----u')
      const server$ = standings(registry.register(kit.cold(' ----a-----|', INSTANCES)))

      kit.expectObservable(server$).toBe('           ----l--r--|')
      kit.expectObservable(pictures(up.watch()), '   ^-------------!').toBe('e------o--e')
    })
  })

  it('announces only the newest when it is up again', () => {
    marbles(kit => {
      const { up, registry } = interruptedBy(kit, '  --d----u')
      const server$ = standings(registry.register(kit.cold(' ---a-b----|', INSTANCES)))

      kit.expectObservable(server$).toBe('           ---l-l-r--|')
      kit.expectObservable(pictures(up.watch()), '   ^-------------!').toBe('e------o--e')
    })
  })

  it('leaves what is announced when the registry goes down', () => {
    marbles(kit => {
      const { up, registry } = interruptedBy(kit, '  ---d--------u')
      const server$ = standings(registry.register(kit.cold(' -a--------|', INSTANCES)))

      kit.expectObservable(server$).toBe('           -r--------|')
      kit.expectObservable(pictures(up.watch()), '   ^-------------!').toBe('eo--------e')
    })
  })
})
