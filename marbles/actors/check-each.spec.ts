import { marbles, type MarbleKit } from 'millrace/testing'
import type { Observable } from 'rxjs'
import { describe, it } from 'vitest'
import { checkEach } from '../../src/actors/check-each.js'
import { consumeSlowly } from '../../test/support/slow-consumer.js'

/** Letters in upper case; refuses `x`. */
function check(value: unknown): unknown {
  if (value === 'x') throw new Error('no x')
  return String(value).toUpperCase()
}

function checked({ runtime }: MarbleKit, letters$: Observable<string>): Observable<unknown> {
  return letters$.pipe(checkEach(check, { name: 'words.tally', onStalled: () => {}, runtime }))
}

describe('checkEach', () => {
  it('passes each value as the schema changes it', () => {
    marbles(kit => {
      const letter$ = kit.deliveries('               -a-(bc)-|')

      kit.expectObservable(checked(kit, letter$)).toBe('-A-(BC)-|')
      kit.expectSubscriptions(letter$).toBe('        ^-------!')
      kit.expectCredits(letter$).toBe('              -a-(bc)')
    })
  })

  it('fails at a value that is refused, and naks it', () => {
    marbles(kit => {
      const letter$ = kit.deliveries('               -a-x-b-|')

      kit.expectObservable(checked(kit, letter$)).toBe('-A-#', undefined, new Error('no x'))
      kit.expectSubscriptions(letter$).toBe('        ^--!')
      kit.expectCredits(letter$).toBe('              -a-X')
    })
  })

  it('passes an error on', () => {
    marbles(kit => {
      const letter$ = kit.deliveries('               -a-#')

      kit.expectObservable(checked(kit, letter$)).toBe('-A-#')
      kit.expectSubscriptions(letter$).toBe('        ^--!')
    })
  })

  it('leaves the pace to the consumer', () => {
    marbles(kit => {
      const letter$ = kit.deliveries('                                      ab----|')

      kit.expectObservable(checked(kit, letter$).pipe(consumeSlowly(2))).toBe('AB----|')
      kit.expectCredits(letter$).toBe('                                     --a-b')
    })
  })

  it('lets go of its source when unsubscribed', () => {
    marbles(kit => {
      const letter$ = kit.deliveries('                       -a-b-c-d-|')

      kit.expectObservable(checked(kit, letter$), '^---!').toBe('-A-B')
      kit.expectSubscriptions(letter$).toBe('                ^---!')
    })
  })
})
