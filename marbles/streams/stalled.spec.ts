import { NEVER, groupBy, count, map, Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { LogEvent } from 'millrace/core'
import { pacedMap, stalledTo, type Stalled } from 'millrace/streams'
import { marbles, type MarbleKit } from 'millrace/testing'

/** The stalls of a pacedMap whose inner Observables are `inner`, as text. */
const stalls = ({ runtime }: MarbleKit, source: Observable<string>, inner: () => Observable<string>) =>
  new Observable<string>(subscriber => {
    const onStalled = ({ requests, replies, forMs }: Stalled): void =>
      subscriber.next(`${replies} of ${requests} in ${forMs}`)
    return source
      .pipe(pacedMap(inner, { concurrency: 2, runtime, stalledAfterMs: 5, onStalled }))
      .subscribe({ error: error => subscriber.error(error), complete: () => subscriber.complete() })
  })

describe('stalled', () => {
  it('is told when nothing has moved for a while', () => {
    marbles(kit => {
      const source = kit.deliveries('             -a---------|')

      kit
        .expectObservable(
          stalls(kit, source, () => NEVER),
          '^-------------!',
        )
        .toBe('------s', { s: '0 of 1 in 5' })
    })
  })

  it('is told once a stall', () => {
    marbles(kit => {
      const source = kit.deliveries('a-------------------------|')

      kit
        .expectObservable(
          stalls(kit, source, () => NEVER),
          '^ 40ms !',
        )
        .toBe('-----s', { s: '0 of 1 in 5' })
    })
  })

  it('is told again after something has moved', () => {
    marbles(kit => {
      const source = kit.deliveries('a 60ms |')
      const inner = kit.cold('       --------x 60ms |')

      kit
        .expectObservable(
          stalls(kit, source, () => inner),
          '^ 40ms !',
        )
        .toBe('-----s-------s', { s: '0 of 1 in 5' })
    })
  })

  it('is told again after something was let go of', () => {
    marbles(kit => {
      const inner = [kit.cold('------------|'), NEVER]
      const told = stalls(kit, kit.deliveries('(ab) 60ms |'), () => inner.shift() ?? NEVER)

      kit.expectObservable(told, '^ 40ms !').toBe('----------s------t', { s: '0 of 2 in 5', t: '1 of 2 in 5' })
    })
  })

  it('is not told while an inner Observable emits', () => {
    marbles(kit => {
      const source = kit.deliveries('a 30ms |')
      const inner = kit.cold('       --x--x--x--x--x--x--x|')

      kit.expectObservable(stalls(kit, source, () => inner)).toBe('- 30ms |')
    })
  })

  it('is not told while values come and go', () => {
    marbles(kit => {
      const source = kit.deliveries('a--a--a--a--a--a|')
      const inner = kit.cold('       ---x|')

      kit.expectObservable(stalls(kit, source, () => inner)).toBe('-------------------|')
    })
  })

  it('leaves no timer when everything has ended', () => {
    marbles(kit => {
      const source = kit.deliveries('a|')
      const inner = kit.cold('       --|')

      kit.expectObservable(stalls(kit, source, () => inner)).toBe('--|')
    })
  })

  it('leaves no timer when unsubscribed', () => {
    marbles(kit => {
      kit
        .expectObservable(
          stalls(kit, kit.deliveries('a'), () => NEVER),
          '^--!',
        )
        .toBe('-')
    })
  })

  it('names a map that waits for later values', () => {
    marbles(({ deliveries, runtime, expectObservable, expectCredits }) => {
      const seen: Stalled[] = []
      const source = deliveries('abc 20ms |')
      const groups = source.pipe(
        groupBy(letter => letter),
        pacedMap(group => group.pipe(count()), { runtime, stalledAfterMs: 8, onStalled: e => void seen.push(e) }),
        map(() => seen.map(({ where, requests, replies }) => `${where} ${requests}/${replies}`).join()),
      )

      expectObservable(groups).toBe('23ms (aaa|)', {
        a: 'pacedMap 3/0',
      })
      expectCredits(source).toBe('   23ms (abc)')
    })
  })

  it('is a sentence with numbers in a log', () => {
    const lines: LogEvent[] = []
    const event = { where: 'words.tally', requests: 20, replies: 4, forMs: 5000 }

    stalledTo(line => lines.push(line))(event)

    expect(lines).toEqual([
      {
        level: 'warn',
        event: 'stalled',
        message:
          'words.tally: 16 of 20 items are held and none was let go for 5000 ms, see docs/flow-control.md#stalled',
        fields: event,
      },
    ])
  })
})
