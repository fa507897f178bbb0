import { enforceDeadlines } from 'millrace/actors'
import { messageOf } from 'millrace/core'
import { marbles, type MarbleKit } from 'millrace/testing'
import { map, type Observable } from 'rxjs'
import { describe, it } from 'vitest'
import { consumeSlowly } from '../../test/support/slow-consumer.js'
import { unaryCall } from '../../test/support/unary-call.js'

const EXCEEDED = { code: 'DEADLINE_EXCEEDED', reason: 'deadline_exceeded' }

/** The bodies of a stream that must have ended at `deadline`, ms from the start of the spec. */
function bodies({ runtime }: MarbleKit, replies$: Observable<string>, deadline?: number): Observable<unknown> {
  const peer = enforceDeadlines(runtime)({ call: () => replies$.pipe(map(messageOf)) })
  return peer.call(unaryCall({ kind: 'serverStream', deadline })).pipe(map(({ body }) => body))
}

describe('enforceDeadlines', () => {
  it('ends a call when its deadline passes', () => {
    marbles(kit => {
      const replies$ = kit.cold('                       -a-b-c-d-|')

      kit.expectObservable(bodies(kit, replies$, 6)).toBe('-a-b-c#', undefined, EXCEEDED)
      kit.expectSubscriptions(replies$).toBe('          ^-----!')
    })
  })

  it('counts from when the call was made, not started', () => {
    marbles(kit => {
      const replies$ = kit.cold('                              -a-b-c-d-|')

      kit.expectObservable(bodies(kit, replies$, 6), '--^').toBe('---a-b#', undefined, EXCEEDED)
      kit.expectSubscriptions(replies$).toBe('                 --^---!')
    })
  })

  it('lets a call end in time, and keeps no timer', () => {
    marbles(kit => {
      const replies$ = kit.cold('                       -a-b-|')

      kit.expectObservable(bodies(kit, replies$, 9)).toBe('-a-b-|')
      kit.expectSubscriptions(replies$).toBe('          ^----!')
    })
  })

  it('is first when the end comes with the deadline', () => {
    marbles(kit => {
      const replies$ = kit.cold('                       -a---|')

      kit.expectObservable(bodies(kit, replies$, 5)).toBe('-a---#', undefined, EXCEEDED)
      kit.expectSubscriptions(replies$).toBe('          ^----!')
    })
  })

  it('passes an earlier error on', () => {
    marbles(kit => {
      const replies$ = kit.cold('                       -a-#')

      kit.expectObservable(bodies(kit, replies$, 9)).toBe('-a-#')
      kit.expectSubscriptions(replies$).toBe('          ^--!')
    })
  })

  it('does not start a call that is too late', () => {
    marbles(kit => {
      const replies$ = kit.cold('                                -a-|')
      const late = { code: 'DEADLINE_EXCEEDED', reason: 'expired_before_send' }

      kit.expectObservable(bodies(kit, replies$, 3), '---^').toBe('---#', undefined, late)
      kit.expectSubscriptions(replies$).toBe([])
    })
  })

  it('limits no call without a deadline', () => {
    marbles(kit => {
      const replies$ = kit.cold('                    -a 59m b|')

      kit.expectObservable(bodies(kit, replies$)).toBe('-a 59m b|')
    })
  })

  it('leaves the pace to the consumer', () => {
    marbles(kit => {
      const replies$ = kit.deliveries('                                       ab-----|')

      kit.expectObservable(bodies(kit, replies$, 9).pipe(consumeSlowly(2))).toBe('ab-----|')
      kit.expectCredits(replies$).toBe('                                      --a-b')
    })
  })

  it('stops its timer when unsubscribed', () => {
    marbles(kit => {
      const replies$ = kit.cold('                                -a-b-c-d-|')

      kit.expectObservable(bodies(kit, replies$, 9), '^---!').toBe('-a-b')
      kit.expectSubscriptions(replies$).toBe('                  ^---!')
    })
  })
})
