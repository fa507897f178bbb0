import { Observable, merge } from 'rxjs'
import { describe, it } from 'vitest'
import { pump, type Pump, type StallOptions } from 'millrace/streams'
import { marbles, type Deliveries, type MarbleKit, type MarbleSource } from 'millrace/testing'

interface Way extends StallOptions {
  /** Credit to begin with. */
  readonly credit: number
  /** Digits: that many items more; `r` and `b`: the way out is ready, or blocked; `x`: the receiver cancels. */
  readonly receiver?: string
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
        return true
      },
      complete: () => subscriber.complete(),
      fail: (error: unknown) => subscriber.error(error),
    }
    const pumped: Pump = pump(source, sink, { ...way, name: 'words.tally', runtime })
    const signals = cold(way.receiver ?? '-').subscribe(signal => {
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
