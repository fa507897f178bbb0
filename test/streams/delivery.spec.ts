import { Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { deliver, hold, outside, type redeliver, type Release } from 'millrace/streams'

describe('deliver', () => {
  it('returns the credit and the error when next throws', () => {
    const events: unknown[] = []
    const failing = {
      next: () => {
        throw new Error('handler')
      },
    }

    expect(() => deliver(failing, 1, error => void events.push(['consumed', error]))).toThrow('handler')
    expect(events).toEqual([['consumed', undefined]])
    expect(hold()).toBeUndefined()
  })

  it('consumes once when a holder releases after next has thrown', () => {
    let consumed = 0
    let release: Release | undefined
    const failing = {
      next: () => {
        release = hold()
        throw new Error('handler')
      },
    }

    expect(() => deliver(failing, 1, () => consumed++)).toThrow('handler')
    release?.()

    expect(consumed).toBe(1)
  })

  it('tells the first of several errors', () => {
    const errors: unknown[] = []
    const releases: (Release | undefined)[] = []
    const holding = { next: () => void releases.push(hold(), hold(), hold()) }

    deliver(holding, 1, error => void errors.push(error))
    releases[0]?.()
    releases[1]?.('first')
    releases[2]?.('second')

    expect(errors).toEqual(['first'])
  })

  it('has no scope while onConsumed runs', () => {
    const scopes: boolean[] = []
    const look = (): void => {
      const release = hold()
      scopes.push(release !== undefined)
      release?.()
    }
    const nested = { next: () => deliver({ next: look }, 2, look) }

    deliver(nested, 1, look)

    expect(scopes).toEqual([true, false, false])
  })

  it('gives the scope back after a nested delivery', () => {
    const order: string[] = []
    let release: Release | undefined
    const outer = {
      next: () => {
        deliver({ next: () => {} }, 'inner', () => void order.push('inner'))
        release = hold()
      },
    }

    deliver(outer, 'outer', () => void order.push('outer'))
    order.push('returned')
    release?.()

    expect(order).toEqual(['inner', 'returned', 'outer'])
  })
})

describe('outside', () => {
  it('hides the delivery, and gives it back', () => {
    const scopes: boolean[] = []
    const look = (): void => void scopes.push(hold() !== undefined)

    deliver({ next: () => [look(), outside(look), look()] }, 1, () => {})

    expect(scopes).toEqual([true, false, true])
  })
})

describe('two copies of the package', () => {
  it('hold what the other delivers', async () => {
    const url = new URL('../../dist/streams/delivery.js?copy', import.meta.url)
    const other = (await import(url.href)) as { hold: typeof hold; redeliver: typeof redeliver }
    const consumed: string[] = []
    const releases: (Release | undefined)[] = []
    const message$ = new Subject<string>()
    message$.subscribe(message =>
      other.redeliver({ next: () => void releases.push(other.hold(), hold()) }, message, () => {}),
    )

    deliver(message$, 'a', () => void consumed.push('a'))
    const before = [...consumed]
    for (const release of releases) release?.()

    expect(other.hold).not.toBe(hold)
    expect(before).toEqual([])
    expect(consumed).toEqual(['a'])
  })
})
