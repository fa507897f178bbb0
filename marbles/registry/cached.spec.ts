import { RpcError } from 'millrace/core'
import { cached, interrupted, memoryRegistry, type Registry, type Snapshot } from 'millrace/registry'
import { marbles } from 'millrace/testing'
import { BehaviorSubject, concat, map, mergeMap, NEVER, of, tap, throwError, timer, type Observable } from 'rxjs'
import { describe, it } from 'vitest'

const down = new RpcError('UNAVAILABLE', 'down', { reason: 'registry_unavailable' })

/** A registry of `words` at addresses that `get$` and `watch$` say. */
function source(get$: Observable<string>, watch$: Observable<Snapshot> = NEVER): Registry {
  return {
    ...memoryRegistry(),
    name: 'source',
    register: () => NEVER,
    list: () => NEVER,
    get: () => get$.pipe(map(address => snapshotOf(address).services)),
    watch: () => watch$,
  }
}

function snapshotOf(address: string, stale = false): Snapshot {
  const node = { id: 'words-1', address, metadata: {} }
  const services = [{ name: 'words', version: '1.0.0', metadata: {}, endpoints: [], nodes: [node] }]
  return { services, asOf: 0, stale }
}

/** The address of a snapshot, followed by `?` when it is stale. */
const text = map(({ services, stale }: Snapshot) => `${services[0]?.nodes[0]?.address ?? 'none'}${stale ? '?' : ''}`)

describe('cached', () => {
  it('asks once for all who ask together', () => {
    marbles(({ cold, hot, runtime, expectObservable, expectSubscriptions }) => {
      const answer = cold('         ---(a|)')
      const registry = cached(source(answer), { runtime })
      const asked = hot('          -x-x-----x-|')

      const got = asked.pipe(
        mergeMap(() => registry.get('words')),
        map(([service]) => service?.nodes[0]?.address),
      )

      expectObservable(got).toBe(' ----(aa)-a-|')
      expectSubscriptions(answer).toBe('-^--!')
    })
  })

  it('asks again when an answer is too old', () => {
    marbles(({ cold, hot, runtime, expectObservable, expectSubscriptions }) => {
      const answer = cold('         (a|)')
      const registry = cached(source(answer), { runtime, ttlMs: 5 })
      const asked = hot('          -x--x--x-|')

      const got = asked.pipe(
        mergeMap(() => registry.get('words')),
        map(([service]) => service?.nodes[0]?.address),
      )

      expectObservable(got).toBe(' -a--a--a-|')
      expectSubscriptions(answer).toBe(['-(^!)', '-------(^!)'])
    })
  })

  it('gives the last good answer when asking fails', () => {
    marbles(({ hot, runtime, expectObservable }) => {
      let asked = 0
      const answer = timer(0, runtime.scheduler).pipe(
        mergeMap(() => (asked++ === 0 ? of('a') : throwError(() => down))),
      )
      const registry = cached(source(answer), { runtime, ttlMs: 2 })

      const got = hot('            -x---x-|').pipe(
        mergeMap(() => registry.get('words')),
        map(([service]) => `${service?.nodes[0]?.address} ${registry.age('words')}`),
      )

      expectObservable(got).toBe(' -a---b-|', { a: 'a 0', b: 'a 4' })
    })
  })

  it('lists once for all who ask together, and remembers', () => {
    marbles(({ cold, hot, runtime, expectObservable, expectSubscriptions }) => {
      const list$ = cold('          ---(a|)', { a: ['words'] })
      const registry = cached({ ...source(NEVER), list: () => list$ }, { runtime })
      const asked = hot('          -x-x-----x-|')

      expectObservable(asked.pipe(mergeMap(() => registry.list()))).toBe('----(aa)-a-|', { a: ['words'] })
      expectSubscriptions(list$).toBe('-^--!')
    })
  })

  it('passes the failure on that it has no answer for', () => {
    marbles(({ runtime, expectObservable }) => {
      const registry = cached(source(throwError(() => down)), { runtime })

      expectObservable(registry.get('words')).toBe('#', undefined, { code: 'UNAVAILABLE' })
    })
  })

  it('shares one watch, and shows who comes later', () => {
    marbles(({ cold, runtime, expectObservable, expectSubscriptions }) => {
      const watch = cold('         -a--b', { a: snapshotOf('a'), b: snapshotOf('b') })
      const registry = cached(source(NEVER, watch), { runtime })

      expectObservable(registry.watch('words').pipe(text), '^------!').toBe(' -a--b')
      expectObservable(registry.watch('words').pipe(text), '--^-----!').toBe('--a-b')
      expectSubscriptions(watch).toBe('                                ^-------!')
    })
  })

  it('keeps a stale picture when a watch fails', () => {
    marbles(({ cold, runtime, expectObservable, expectSubscriptions }) => {
      const watch = cold('         -a-#', { a: snapshotOf('a') }, down)
      const registry = cached(source(NEVER, watch), { runtime, watchAgainMs: 3 })

      expectObservable(registry.watch('words').pipe(text), '^--------!').toBe('-a-b---a-', { a: 'a', b: 'a?' })
      expectSubscriptions(watch).toBe(['^--!', '------^--!'])
    })
  })

  it('is not emptied by a source that knows nothing yet', () => {
    marbles(({ runtime, expectObservable }) => {
      const nothing: Snapshot = { services: [], asOf: -Infinity, stale: true }
      let begun = 0
      const watch = timer(1, runtime.scheduler).pipe(
        mergeMap(() =>
          begun++ === 0
            ? concat(
                of(snapshotOf('a')),
                throwError(() => down),
              )
            : concat(of(nothing), NEVER),
        ),
      )
      const registry = cached(source(NEVER, watch), { runtime, watchAgainMs: 2 })

      expectObservable(registry.watch('words').pipe(text), '^--------!').toBe('-(ab)', { a: 'a', b: 'a?' })
    })
  })

  it('passes through what goes up and down', () => {
    marbles(({ runtime, hot, expectObservable }) => {
      const down$ = new BehaviorSubject(false)
      const memory = memoryRegistry({ runtime })
      const node = { id: 'words-1', address: 'a', metadata: {} }
      const words = { name: 'words', version: '1.0.0', metadata: {}, endpoints: [], node }
      const registry = cached(interrupted(memory, down$), { runtime })

      expectObservable(hot('-d-u').pipe(tap(letter => down$.next(letter === 'd')))).toBe('-d-u')
      expectObservable(memory.register(concat(of(words), NEVER)).pipe(map(() => 'r')), '^----!').toBe('r')
      expectObservable(registry.watch('words').pipe(text), '^---!').toBe('ab-c', { a: 'a', b: 'a?', c: 'a' })
    })
  })
})
