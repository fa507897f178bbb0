import { marbles } from 'millrace/testing'
import { map, Observable } from 'rxjs'
import { describe, it } from 'vitest'
import { LeaseBudget, leasesOf, type Lease } from '../../src/protocol/rsocket/lease.js'

/** `l` two requests within 5 ms, `s` one within 2 ms, `n` none, `x` what is no lease. */
const LEASES: { readonly [marble: string]: Lease } = {
  l: { ttlMs: 5, requests: 2 },
  s: { ttlMs: 2, requests: 1 },
  n: { ttlMs: 0, requests: 0 },
  x: { ttlMs: -1, requests: 1 },
}

describe('leasesOf', () => {
  it('gives a lease at once and then one a second', () => {
    marbles(({ runtime, expectObservable }) => {
      const lease$ = leasesOf({ perSecond: 5 }, runtime.scheduler).pipe(map(({ requests }) => String(requests)))

      expectObservable(lease$, '^ 2500ms !').toBe('5 999ms 5 999ms 5')
    })
  })

  it('gives leases that hold until the next but one', () => {
    marbles(({ runtime, expectObservable }) => {
      const lease$ = leasesOf({ perSecond: 5 }, runtime.scheduler).pipe(map(({ ttlMs }) => ttlMs))

      expectObservable(lease$, '^ 999ms !').toBe('t', { t: 2000 })
    })
  })

  it('passes leases that are given on', () => {
    marbles(({ cold, runtime, expectObservable, expectSubscriptions }) => {
      const given$ = cold('                                    -l--n-s|', LEASES)

      expectObservable(leasesOf(given$, runtime.scheduler)).toBe('-l--n-s|', LEASES)
      expectSubscriptions(given$).toBe('                       ^------!')
    })
  })

  it('fails at what is no lease', () => {
    marbles(({ cold, runtime, expectObservable, expectSubscriptions }) => {
      const fault = { code: 'INVALID_ARGUMENT', reason: 'invalid_options' }
      const given$ = cold('                                    -l--x-s|', LEASES)

      expectObservable(leasesOf(given$, runtime.scheduler)).toBe('-l--#', LEASES, fault)
      expectSubscriptions(given$).toBe('                       ^---!')
    })
  })
})

interface Lanes {
  readonly leases: string
  /** `r`: somebody wants to make a request. */
  readonly requests: string
  /** `y`: there was leave for it. `n`: there was not. */
  readonly leave: string
}

function check({ leases, requests, leave }: Lanes): void {
  marbles(({ hot, runtime, expectObservable }) => {
    const lease$ = hot(leases, LEASES)
    const request$ = hot(requests)
    const leave$ = new Observable(subscriber => {
      const budget = new LeaseBudget(runtime.scheduler)
      subscriber.add(lease$.subscribe(lease => budget.renew(lease)))
      return request$.pipe(map(() => (budget.take() ? 'y' : 'n'))).subscribe(subscriber)
    })

    expectObservable(leave$, '^ 20ms !').toBe(leave)
  })
}

describe('LeaseBudget', () => {
  it('leaves nothing before the first lease', () => {
    check({
      leases: '  ---l----',
      requests: '-r--r----',
      leave: '   -n--y----',
    })
  })

  it('is used up request by request', () => {
    check({
      leases: '  l--------',
      requests: '-rrr-----',
      leave: '   -yyn-----',
    })
  })

  it('ends with its time to live', () => {
    check({
      leases: '  l--------',
      requests: '-r---rr--',
      leave: '   -y---nn--',
    })
  })

  it('is replaced by the next lease, not added to', () => {
    check({
      leases: '  l--s-----',
      requests: '-r--rr---',
      leave: '   -y--yn---',
    })
  })

  it('is taken away by a lease of nothing', () => {
    check({
      leases: '  l--n-----',
      requests: '-r--rr---',
      leave: '   -y--nn---',
    })
  })
})
