import { staticRegistry } from 'millrace/registry'
import { marbles } from 'millrace/testing'
import { map } from 'rxjs'
import { describe, it } from 'vitest'

describe('staticRegistry', () => {
  it('shows once what is written down', () => {
    marbles(({ runtime, expectObservable }) => {
      const registry = staticRegistry({ nodes: { words: ['a:1', 'b:2'], report: 'c:3' }, runtime })

      const watched = registry
        .watch('words')
        .pipe(map(({ services }) => services.flatMap(({ nodes }) => nodes.map(({ address }) => address)).join(' ')))

      expectObservable(watched, '---^---!').toBe('---w', { w: 'a:1 b:2' })
    })
  })

  it('answers at once', () => {
    marbles(({ runtime, expectObservable }) => {
      const registry = staticRegistry({ nodes: { words: 'a:1' }, runtime })

      expectObservable(registry.list(), '--^').toBe('--(n|)', { n: ['words'] })
    })
  })
})
