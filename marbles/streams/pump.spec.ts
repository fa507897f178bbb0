import { Observable, map, merge } from 'rxjs'
import { describe, it } from 'vitest'
import { paced, pump, type Pump, type StallOptions } from 'millrace/streams'
import { marbles, type Deliveries, type MarbleKit, type MarbleSource } from 'millrace/testing'

interface Way extends StallOptions {
  /** Credit to begin with. */
  readonly credit: number
  /** Digits: that many items more; `r` and `b`: the way out is ready, or blocked; `x`: the receiver cancels. */
  readonly receiver?: string
  /** Letters of which only a part can be sent at once. */
  readonly large?: string
  readonly failAtOnce?: boolean
  readonly lookAhead?: boolean
  /** Throws for the letters in it. */
  readonly unencodable?: string
}

/** What is sent, as an Observable: the source is subscribed with it. */
const sent = ({ runtime, cold }: MarbleKit, source: MarbleSource<string> | Observable<string>, way: Way) =>
  new Observable<string>(subscriber => {
    let ready = true
    const sink = {
      get ready() {
        return ready
      },
      blocked() {},
      encode(letter: string) {
        if (way.unencodable?.includes(letter) === true) throw new Error(`cannot encode ${letter}`)
        return letter
      },
      send: (letter: string) => {
        subscriber.next(letter)
        if (way.large?.includes(letter) !== true) return true
        ready = false // until the rest of it is sent
        return false
      },
      complete: () => subscriber.complete(),
      fail: (error: unknown) => subscriber.error(error),
    }
    const pumped: Pump = pump(source, sink, { ...way, name: 'words.tally', runtime })
    const receiver$ = cold(way.receiver ?? '-')
    const signals = receiver$.subscribe(signal => {
      if (signal === 'x') pumped.cancel()
      else if (signal === 'b') ready = false
      else if (signal === 'r') {
        ready = true
        pumped.resume()
      } else pumped.request(Number(signal))
    })
    pumped.start()
    return () => {
      signals.unsubscribe()
      pumped.cancel()
    }
  })

const expectPumped = (
  kit: MarbleKit,
  source: Deliveries<string>,
  way: Way,
  expected: { sent: string; source: string; credits: string; error?: unknown },
): void => {
  kit.expectObservable(sent(kit, source, way)).toBe(expected.sent, undefined, expected.error)
  kit.expectSubscriptions(source).toBe(expected.source)
  kit.expectCredits(source).toBe(expected.credits)
}

describe('pump', () => {
  it('sends at once while there is credit', () => {
    marbles(kit => {
      const source = kit.deliveries('a-b-c-|')
      const way = { credit: 4 }

      expectPumped(kit, source, way, {
        sent: '                     a-b-c-|',
        source: '                   ^-----!',
        credits: '                  a-b-c',
      })
    })
  })

  it('holds what it has no credit for', () => {
    marbles(kit => {
      const source = kit.deliveries('abcd-----|')
      const way = { credit: 1, receiver: '   ---1-2' }

      expectPumped(kit, source, way, {
        sent: '                     a--b-(cd)|',
        source: '                   ^--------!',
        credits: '                  ---a-(bc)d',
      })
    })
  })

  it('keeps what has used its credit up', () => {
    marbles(kit => {
      const source = kit.deliveries('a----b---|')
      const way = { credit: 1, receiver: '   --2' }

      expectPumped(kit, source, way, {
        sent: '                     a----b---|',
        source: '                   ^--------!',
        credits: '                  --a--b',
      })
    })
  })

  it('completes when everything is sent', () => {
    marbles(kit => {
      const source = kit.deliveries('ab|')
      const way = { credit: 0, receiver: '   ----1-1' }

      expectPumped(kit, source, way, {
        sent: '                     ----a-(b|)',
        source: '                   ^-!',
        credits: '                  ----a-b',
      })
    })
  })

  it('completes without credit', () => {
    marbles(kit => {
      const source = kit.deliveries('--|')
      const way = { credit: 0 }

      expectPumped(kit, source, way, {
        sent: '                     --|',
        source: '                   ^-!',
        credits: '                  ',
      })
    })
  })

  it('fails after what came before the error', () => {
    marbles(kit => {
      const source = kit.deliveries('ab#')
      const way = { credit: 0, receiver: '   ----1-1' }

      expectPumped(kit, source, way, {
        sent: '                     ----a-(b#)',
        source: '                   ^-!',
        credits: '                  ----a-b',
      })
    })
  })

  it('sends pushed and delivered items in their order', () => {
    marbles(kit => {
      const source = merge(kit.cold('a-c|'), kit.deliveries('-b-d|'))

      kit.expectObservable(sent(kit, source, { credit: 0, receiver: '-----9' })).toBe('-----(abcd|)')
    })
  })

  it('holds while the way out is blocked', () => {
    marbles(kit => {
      const source = kit.deliveries('a-bc-----|')
      const way = { credit: 9, receiver: '   -b---r' }

      expectPumped(kit, source, way, {
        sent: '                     a----(bc)|',
        source: '                   ^--------!',
        credits: '                  a----(bc)',
      })
    })
  })

  it('consumes a large item when all of it is sent', () => {
    marbles(kit => {
      const source = kit.deliveries('abc------|')
      const way = { credit: 9, large: 'b', receiver: '-----r' }

      expectPumped(kit, source, way, {
        sent: '                     ab---c---|',
        source: '                   ^--------!',
        credits: '                  a----(bc)',
      })
    })
  })

  it('fails at once where that is asked for', () => {
    marbles(kit => {
      const source = kit.deliveries('abc#')
      const way = { credit: 1, failAtOnce: true }

      expectPumped(kit, source, way, {
        sent: '                     a--#',
        source: '                   ^--!',
        credits: '                  ---(aBC)',
      })
    })
  })

  it('lets a source that can wait look ahead', () => {
    marbles(kit => {
      const source = kit.deliveries('ab----|')
      const way = { credit: 1, lookAhead: true, receiver: '----1' }

      expectPumped(kit, source, way, {
        sent: '                     a---b-|',
        source: '                   ^-----!',
        credits: '                  a---b',
      })
    })
  })

  it('fails when too much is pushed', () => {
    marbles(kit => {
      const burst = new Observable<number>(subscriber => {
        const timer = kit.runtime.scheduler.schedule(() => {
          for (let n = 0; n <= 1024; n++) subscriber.next(n)
        }, 3)
        return timer
      })
      const overflow = { code: 'RESOURCE_EXHAUSTED', reason: 'overflow' }

      kit.expectObservable(sent(kit, burst.pipe(map(String)), { credit: 0 })).toBe('---#', undefined, overflow)
    })
  })

  it('yields after 256 items in one turn', () => {
    marbles(kit => {
      const yielded$ = new Observable<number>(subscriber => {
        let items = 0
        const macrotask = (task: () => void): void => {
          subscriber.next(items)
          kit.runtime.macrotask(task)
        }
        const source = paced('x'.repeat(600))
        return sent({ ...kit, runtime: { ...kit.runtime, macrotask } }, source, { credit: Infinity }).subscribe({
          next: () => items++,
          complete: () => subscriber.complete(),
        })
      })

      kit.expectObservable(yielded$).toBe('(ab|)', { a: 256, b: 512 })
    })
  })

  it('naks what is not sent when it is cancelled', () => {
    marbles(kit => {
      const source = kit.deliveries('abc-----|')
      const way = { credit: 1, receiver: '   -----x' }

      expectPumped(kit, source, way, {
        sent: '                     a',
        source: '                   ^----!',
        credits: '                  -----(aBC)',
      })
    })
  })

  it('naks an item that cannot be encoded', () => {
    marbles(kit => {
      const source = kit.deliveries('a-b-c-|')
      const way = { credit: 9, unencodable: 'b' }

      expectPumped(kit, source, way, {
        sent: '                     a-#',
        source: '                   ^-!',
        credits: '                  a-B',
        error: new Error('cannot encode b'),
      })
    })
  })

  it('naks what waits when an item cannot be encoded', () => {
    marbles(kit => {
      const source = kit.deliveries('abc-----|')
      const way = { credit: 1, unencodable: 'c' }

      expectPumped(kit, source, way, {
        sent: '                     a-#',
        source: '                   ^-!',
        credits: '                  --(aBC)',
        error: new Error('cannot encode c'),
      })
    })
  })

  it('tells once of items that nobody asks for', () => {
    marbles(kit => {
      const stalls: string[] = []
      const source = kit.deliveries('ab 30ms |')
      const way: Way = {
        credit: 1,
        receiver: '20ms 1',
        stalledAfterMs: 5,
        onStalled: ({ where, requests, replies, forMs }) =>
          void stalls.push(`${where} ${requests} ${replies} ${forMs}`),
      }

      expectPumped(kit, source, way, {
        sent: '   a 19ms b 11ms |',
        source: ' ^ 31ms !',
        credits: '20ms a 11ms b',
      })
      kit.expectObservable(new Observable(subscriber => subscriber.next(stalls.join())), '25ms ^ !').toBe('25ms s', {
        s: 'words.tally 2 0 5',
      })
    })
  })
})
