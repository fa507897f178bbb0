import { RpcError, silentLog } from 'millrace/core'
import { marbles, type MarbleKit } from 'millrace/testing'
import { map, type Observable } from 'rxjs'
import { describe, it } from 'vitest'
import { keepAnnounced } from '../../src/registry/leased/keep-announced.js'
import { tenancyOf } from '../../src/registry/leased/tenancy.js'
import { drawnStore, latest, type DrawnStore } from '../../test/registry/drawn-store.js'

const RECORD = { key: '/words/a', value: '{}' }
const TTL_MS = 3000
const DOWN = new RpcError('UNAVAILABLE', 'connection refused', { reason: 'registry_unavailable' })

/** How a record stands: `r` announced, `d` lost for the server is down, `e` expired, `x` replaced. */
function standing(store: DrawnStore, kit: MarbleKit): Observable<string> {
  const runtime = latest(kit.runtime)
  const context = { store, runtime, ttlMs: TTL_MS, log: silentLog }
  const letters: { readonly [reason: string]: string } = {
    registry_unavailable: 'd',
    lease_expired: 'e',
    node_replaced: 'x',
  }
  return keepAnnounced(RECORD, tenancyOf(RECORD.key, runtime), context).pipe(
    map(({ lost }) => (lost === undefined ? 'r' : (letters[lost.reason] ?? '?'))),
  )
}

describe('keepAnnounced', () => {
  it('puts the record once, and claims it with each renewal', () => {
    marbles(kit => {
      const store = drawnStore(kit, {})

      kit.expectObservable(store.asked$, '         ^ 2500ms !').toBe('(hp) 996ms (hc) 996ms (hc)')
      kit.expectObservable(standing(store, kit), ' ^ 2500ms !').toBe('r')
    })
  })

  it('is announced when the store has the record', () => {
    marbles(kit => {
      const store = drawnStore(kit, { hold: ['--(k|)'], put: ['---(p|)'] })

      kit.expectObservable(standing(store, kit), '^ 900ms !').toBe('-----r')
    })
  })

  it('survives renewals that fail', () => {
    marbles(kit => {
      const store = drawnStore(kit, { hold: ['(k|)', '#', '#', '(k|)'] }, { error: DOWN })

      kit.expectObservable(store.asked$, '         ^ 1500ms !').toBe('(hp) 996ms h 99ms h 199ms (hc)')
      kit.expectObservable(standing(store, kit), ' ^ 1500ms !').toBe('r')
    })
  })

  it('renews in time when the store is slow', () => {
    marbles(kit => {
      const store = drawnStore(kit, { hold: ['900ms (k|)'] })

      kit.expectObservable(store.asked$, '         ^ 2500ms !').toBe('h 899ms p 99ms h 899ms c 99ms h')
      kit.expectObservable(standing(store, kit), ' ^ 9s !').toBe('900ms r')
    })
  })

  it('gives up before the server does', () => {
    marbles(kit => {
      const store = drawnStore(kit, { hold: ['100ms (k|)', '#'] }, { error: DOWN })

      // The lease counts from when it was asked for: 3 s, less a tenth.
      kit.expectObservable(standing(store, kit), '^ 3500ms !').toBe('100ms r 2599ms e')
    })
  })

  it('gives up while a renewal is not answered', () => {
    marbles(kit => {
      const store = drawnStore(kit, { hold: ['(k|)', '-'] })

      kit.expectObservable(standing(store, kit), '^ 3500ms !').toBe('r 2699ms e')
    })
  })

  it('says why it is not announced from the start', () => {
    marbles(kit => {
      const store = drawnStore(kit, { hold: ['--#', '--#', '(k|)'] }, { error: DOWN })

      kit.expectObservable(standing(store, kit), '^ 900ms !').toBe('--d 301ms r')
    })
  })

  it('announces again when the store is back', () => {
    marbles(kit => {
      const store = drawnStore(kit, { hold: ['(k|)', '2400ms #', '(k|)'] }, { error: DOWN })

      kit.expectObservable(standing(store, kit), '^ 4s !').toBe('r 2699ms e 699ms d 99ms r')
    })
  })

  it('leaves a record alone that replaced it', () => {
    marbles(kit => {
      const store = drawnStore(kit, { claim: ['(t|)', '(f|)', '(f|)', '(t|)'] })

      kit.expectObservable(standing(store, kit), ' ^ 4500ms !').toBe('r 1999ms x 1999ms r')
    })
  })

  it('does not put a record over another after an outage', () => {
    marbles(kit => {
      const store = drawnStore(kit, { hold: ['(k|)', '#', '(k|)'], claim: ['(f|)'] }, { error: DOWN })

      kit.expectObservable(store.asked$, '         ^ 1500ms !').toBe('(hp) 996ms h 99ms (hc)')
      kit.expectObservable(standing(store, kit), ' ^ 1500ms !').toBe('r 1099ms x')
    })
  })

  it('fails with a record that is too large', () => {
    marbles(kit => {
      const tooLarge = new RpcError('RESOURCE_EXHAUSTED', 'too large', { reason: 'record_too_large' })
      const store = drawnStore(kit, { put: ['-#'] }, { error: tooLarge })

      kit.expectObservable(standing(store, kit), '^ 2s !').toBe('-#', {}, tooLarge)
    })
  })
})
