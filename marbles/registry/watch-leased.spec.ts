import { RpcError, silentLog } from 'millrace/core'
import { marbles, type MarbleKit } from 'millrace/testing'
import type { Observable } from 'rxjs'
import { describe, it } from 'vitest'
import { recordOf, recordReader } from '../../src/registry/leased/leased-record.js'
import { watchLeased } from '../../src/registry/leased/watch-leased.js'
import { skippedRecords } from '../../src/registry/skipped-records.js'
import { instanceOf } from '../../test/compliance/registry-probe.js'
import { drawnStore, latest, type DrawnStore } from '../../test/registry/drawn-store.js'
import { pictures } from '../../test/registry/pictures.js'

const A = recordOf(instanceOf('words', 'a'), '/p')
const B = recordOf(instanceOf('words', 'b'), '/p')
const DOWN = new RpcError('UNAVAILABLE', 'connection refused', { reason: 'registry_unavailable' })

/** Listings by how many nodes they have, `n` one after the store was wiped; changes: `b` comes, `g` goes, `c` nothing new. */
const MEANINGS = {
  listings: {
    e: { revision: 5, records: [] },
    o: { revision: 5, records: [A] },
    t: { revision: 9, records: [A, B] },
    n: { revision: 1, records: [B] },
  },
  changes: {
    b: { revision: 6, changes: [B] },
    g: { revision: 10, changes: [{ key: B.key }] },
    c: { revision: 8, changes: [] },
    w: { revision: 1, changes: [] },
  },
  error: DOWN,
}

/** The pictures that a store as drawn gives. */
function watched(store: DrawnStore, { runtime }: MarbleKit): Observable<string> {
  const context = { store, runtime: latest(runtime), ttlMs: 3000, log: silentLog }
  const skipped = skippedRecords('drawn', silentLog, runtime)
  return pictures(watchLeased('/p/', recordReader('/p', skipped), context))
}

describe('watchLeased', () => {
  it('lists, then follows the changes', () => {
    marbles(kit => {
      const store = drawnStore(kit, { list: ['--(o|)'], changes: ['-b-g'] }, MEANINGS)

      kit.expectObservable(store.asked$, '         ^---------!').toBe('l-w')
      kit.expectObservable(watched(store, kit), '  ^---------!').toBe('--ot-o')
    })
  })

  it('emits nothing when nothing new is confirmed', () => {
    marbles(kit => {
      const store = drawnStore(kit, { list: ['(o|)'], changes: ['--c--c'] }, MEANINGS)

      kit.expectObservable(watched(store, kit), '^---------!').toBe('o')
    })
  })

  it('keeps its picture, stale, when the changes end', () => {
    marbles(kit => {
      const store = drawnStore(kit, { list: ['(o|)', '-#'], changes: ['--#'] }, MEANINGS)

      kit.expectObservable(watched(store, kit), '^ 90ms !').toBe('o-O')
    })
  })

  it('lists again and shows the difference', () => {
    marbles(kit => {
      const store = drawnStore(kit, { list: ['(o|)', '#', '(t|)'], changes: ['--#', '-'] }, MEANINGS)

      kit.expectObservable(store.asked$, '        ^ 500ms !').toBe('(lw) 98ms l 199ms (lw)')
      kit.expectObservable(watched(store, kit), ' ^ 500ms !').toBe('o-O 299ms t')
    })
  })

  it('shows what was never known as stale', () => {
    marbles(kit => {
      const store = drawnStore(kit, { list: ['--#', '(e|)'], changes: ['-'] }, MEANINGS)

      kit.expectObservable(watched(store, kit), '^ 500ms !').toBe('--E 99ms e')
    })
  })

  it('lists again when the store has gone back', () => {
    marbles(kit => {
      const store = drawnStore(kit, { list: ['(t|)', '(n|)'], changes: ['--w', '-'] }, MEANINGS)

      kit.expectObservable(watched(store, kit), '^ 5s !').toBe('t-T 99ms t 3499ms o')
    })
  })

  it('waits after an outage for who is missing', () => {
    marbles(kit => {
      const store = drawnStore(kit, { list: ['(t|)', '(e|)'], changes: ['--#', '1s b'] }, MEANINGS)

      kit.expectObservable(watched(store, kit), '^ 5s !').toBe('t-T 99ms t 3499ms o')
    })
  })

  it('does not wait for who says goodbye after an outage', () => {
    marbles(kit => {
      const store = drawnStore(kit, { list: ['(t|)', '(t|)'], changes: ['--#', '--g'] }, MEANINGS)

      kit.expectObservable(watched(store, kit), '^ 5s !').toBe('t-T 99ms t-o')
    })
  })

  it('lists again when changes were compacted', () => {
    marbles(kit => {
      const compacted = new RpcError('OUT_OF_RANGE', 'compacted', { reason: 'compacted' })
      const store = drawnStore(
        kit,
        { list: ['(o|)', '(t|)'], changes: ['--#', '-'] },
        { ...MEANINGS, error: compacted },
      )

      kit.expectObservable(watched(store, kit), '^ 500ms !').toBe('o-O 99ms t')
    })
  })
})
