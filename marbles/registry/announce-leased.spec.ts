import { RpcError, silentLog } from 'millrace/core'
import { marbles, type MarbleKit } from 'millrace/testing'
import type { Observable } from 'rxjs'
import { describe, it } from 'vitest'
import { announceLeased } from '../../src/registry/leased/announce-leased.js'
import { instanceOf } from '../../test/compliance/registry-probe.js'
import { drawnStore, latest, type DrawnStore } from '../../test/registry/drawn-store.js'
import { standings } from '../../test/registry/pictures.js'

const INSTANCES = {
  a: instanceOf('words', 'a'),
  A: instanceOf('words', 'a', { version: '2.0.0' }),
  b: instanceOf('lines', 'b'),
}
const DOWN = new RpcError('UNAVAILABLE', 'connection refused', { reason: 'registry_unavailable' })

/** Registrations of the instances that are drawn. */
function announced(store: DrawnStore, instances: string, kit: MarbleKit): Observable<string> {
  const context = { store, runtime: latest(kit.runtime), ttlMs: 3000, log: silentLog }
  return standings(announceLeased(kit.cold(instances, INSTANCES), '/p', context))
}

describe('announceLeased', () => {
  it('puts each instance in place of the one before', () => {
    marbles(kit => {
      const store = drawnStore(kit, {})
      const registration$ = announced(store, '         -a----A', kit)

      kit.expectObservable(registration$, '            ^---------!').toBe('-r----r')
      kit.expectObservable(store.asked$, '             ^----------!').toBe('-(hp)-(hp)r')
    })
  })

  it('ends one name’s lease before it takes the next', () => {
    marbles(kit => {
      const store = drawnStore(kit, { release: ['--(r|)'] })
      const registration$ = announced(store, '         a----b', kit)

      kit.expectObservable(registration$, '            ^---------!').toBe('r------r')
      kit.expectObservable(store.asked$, '             ^--------!').toBe('(hp)-r-(hp)')
    })
  })

  it('completes when the goodbye is acknowledged', () => {
    marbles(kit => {
      const store = drawnStore(kit, { release: ['--(r|)'] })

      kit.expectObservable(announced(store, 'a----|', kit)).toBe('r------|')
    })
  })

  it('completes when nobody can see the record any more', () => {
    marbles(kit => {
      const store = drawnStore(kit, { hold: ['(k|)'], release: ['#'] }, { error: DOWN })

      // Tried again after 0.1, 0.2, 0.4, 0.8 and 1.6 s: by then the lease, which is ours for 2.7 s, has ended by itself.
      kit.expectObservable(announced(store, 'a----|', kit)).toBe('r 3104ms |')
    })
  })

  it('completes at once when nothing was ever announced', () => {
    marbles(kit => {
      const store = drawnStore(kit, { hold: ['-'], release: ['#'] }, { error: DOWN })

      kit.expectObservable(announced(store, 'a----|', kit)).toBe('-----|')
    })
  })

  it('says goodbye when it is unsubscribed', () => {
    marbles(kit => {
      const store = drawnStore(kit, {})

      kit.expectObservable(announced(store, 'a', kit), '^----!').toBe('r')
      kit.expectObservable(store.asked$, '              ^-----!').toBe('(hp)-r')
    })
  })

  it('says goodbye when the instances fail', () => {
    marbles(kit => {
      const store = drawnStore(kit, {})

      kit.expectObservable(announced(store, 'a----#', kit)).toBe('r----#')
      kit.expectObservable(store.asked$, '     ^-----!').toBe('(hp)-r')
    })
  })
})
