import {
  type Event,
  memoryBroker,
  type MemoryBrokerOptions,
  type PublishOptions,
  type SubscribeOptions,
} from 'millrace/broker'
import { messageOf, silentLog } from 'millrace/core'
import { hold, pacedMap } from 'millrace/streams'
import { type MarbleKit, marbles } from 'millrace/testing'
import { map, mergeMap, type Observable, takeUntil, tap } from 'rxjs'
import { describe, it } from 'vitest'

/** What a spec of the broker is written with: the marble kit, and a topic to publish to by a diagram. */
interface Topic extends MarbleKit {
  /** Publishes the letters of `diagram`, `a` and `A` with one key, and gives those that the broker has taken. */
  readonly publish: (diagram: string, options?: PublishOptions) => Observable<string>
  readonly events: (options?: SubscribeOptions) => Observable<Event>
}

function topic(spec: (topic: Topic) => void, options?: MemoryBrokerOptions): void {
  marbles(kit => {
    const broker = memoryBroker({ runtime: kit.runtime, log: silentLog, ...options })
    spec({
      ...kit,
      publish: (diagram, given) =>
        kit
          .hot(diagram)
          .pipe(
            mergeMap(body =>
              broker.publish('t', messageOf(body), { key: body.toLowerCase(), ...given }).pipe(map(() => body)),
            ),
          ),
      events: given => broker.subscribe('t', given),
    })
  })
}

/** The letter that was published. */
const letter = map(({ message }: Event) => String(message.body))

const manual: SubscribeOptions = { queue: 'q', ack: 'manual' }
const ack = tap((event: Event) => event.ack())

describe('memoryBroker', () => {
  it('delivers in the millisecond of publication', () => {
    topic(({ publish, events, expectObservable }) => {
      expectObservable(publish('               -a-(bc)---|')).toBe('-a-(bc)---|')
      expectObservable(events().pipe(letter), '^---------!').toBe(' -a-(bc)')
    })
  })

  it('waits for consumption when the window is full', () => {
    topic(({ publish, events, cold, runtime, expectObservable }) => {
      const slowly = pacedMap((event: Event) => cold('---(x|)', { x: event.message.body }), { runtime })

      expectObservable(publish('                            (abcd)---------|')).toBe('(abcd)---------|')
      expectObservable(events({ window: 1 }).pipe(slowly), '^--------------!').toBe(' ---a--b--c--d')
    })
  })

  it('gives the members of a queue turns', () => {
    topic(({ publish, events, expectObservable }) => {
      expectObservable(publish('                             (abcd)-e-f-|')).toBe('(abcd)-e-f-|')
      expectObservable(events({ queue: 'q' }).pipe(letter), '^----------!').toBe(' (ac)---e--')
      expectObservable(events({ queue: 'q' }).pipe(letter), '^----------!').toBe(' (bd)-----f')
    })
  })

  it('delivers again what a pacedMap fails for, beside others', () => {
    topic(
      ({ publish, events, cold, runtime, expectObservable }) => {
        const work = pacedMap(
          ({ message, attempt }: Event) =>
            cold(message.body === 'a' && attempt < 2 ? '--#' : '--(x|)', { x: message.body }),
          { concurrency: 1, runtime },
        )

        expectObservable(publish('                 abc---|')).toBe('abc---|')
        expectObservable(events().pipe(work), '^-------------!').toBe('    ----b-c-a')
      },
      { backoffMs: [3] },
    )
  })

  it('waits as backoffMs says, the last for further attempts', () => {
    topic(
      ({ publish, events, expectObservable }) => {
        const refuse = tap<Event>(() => hold()?.(new Error('not done')))

        expectObservable(publish('                       a---------------|')).toBe('a---------------|')
        expectObservable(events().pipe(refuse, letter), '^---------------!').toBe(' a-a---a---a')
      },
      { backoffMs: [2, 4], maxDeliver: 4 },
    )
  })

  it('delivers others while a message waits to come again', () => {
    topic(({ publish, events, expectObservable }) => {
      const later = tap((event: Event) =>
        event.attempt === 1 && event.message.body === 'a' ? event.nak(4) : event.ack(),
      )

      expectObservable(publish('                                       ab-c----|')).toBe('ab-c----|')
      expectObservable(events({ ack: 'manual' }).pipe(later, letter), '^-------!').toBe(' ab-ca')
    })
  })

  it('hands a leaving member’s messages to another at once', () => {
    topic(({ publish, events, expectObservable }) => {
      expectObservable(publish('                          ab-------|')).toBe('ab-------|')
      expectObservable(events(manual).pipe(letter), '     ^----!').toBe('     ab')
      expectObservable(events(manual).pipe(ack, letter), '---^-----!').toBe(' -----(ab)')
    })
  })

  it('keeps a queue for a member that comes back', () => {
    topic(
      ({ publish, events, expectObservable }) => {
        expectObservable(publish('                          a---b-----c|')).toBe('a---b-----c|')
        expectObservable(events(manual).pipe(letter), '     ^-!').toBe('         a')
        expectObservable(events(manual).pipe(ack, letter), '------^----!').toBe('------(ab)c')
      },
      { keepGroupMs: 5 },
    )
  })

  it('lets a draining member finish, then ends its queue', () => {
    topic(({ publish, events, cold, runtime, expectObservable }) => {
      const slowly = pacedMap((event: Event) => cold('-----(x|)', { x: event.message.body }), { runtime })
      const drained = events({ queue: 'q' }).pipe(takeUntil(cold('---s')), slowly)

      expectObservable(publish('  a-b----|')).toBe('a-b----|')
      expectObservable(drained, '^').toBe('         -----a-(b|)')
    })
  })

  it('starts nothing again for a subscriber that has left', () => {
    topic(({ publish, events, expectObservable }) => {
      const refuse = tap<Event>(() => hold()?.(new Error('not done')))

      expectObservable(publish('                       a--|')).toBe('a--|')
      expectObservable(events().pipe(refuse, letter), '^--!').toBe('a')
    })
  })

  it('forgets a queue that nobody comes back to', () => {
    topic(
      ({ publish, events, expectObservable }) => {
        expectObservable(publish('                          a---b----c-|')).toBe('a---b----c-|')
        expectObservable(events(manual).pipe(letter), '     ^-!').toBe('          a')
        expectObservable(events(manual).pipe(ack, letter), '--------^--!').toBe(' ---------c')
      },
      { keepGroupMs: 5 },
    )
  })

  it('holds back a key until its message is done', () => {
    topic(({ publish, events, cold, runtime, expectObservable }) => {
      const slowly = pacedMap((event: Event) => cold('------(x|)', { x: event.message.body }), { runtime })

      expectObservable(publish('                                        (abAc)-------|')).toBe('(abAc)-------|')
      expectObservable(events({ ordered: true }).pipe(slowly), '        ^------------!').toBe(' ------(abc)-A')
    })
  })

  it('blocks one key while its message waits', () => {
    topic(
      ({ publish, events, expectObservable }) => {
        const refuse = tap(({ message }: Event) => hold()?.(message.body === 'a' ? new Error('not done') : undefined))
        const ordered = events({ ordered: true }).pipe(refuse, letter)

        expectObservable(publish('      aAb-----|')).toBe('aAb-----|')
        expectObservable(ordered, '     ^-------!').toBe(' a-b--(aA)')
      },
      { backoffMs: [5], maxDeliver: 2 },
    )
  })

  it('replays what it keeps, then goes on', () => {
    topic(
      ({ publish, events, expectObservable }) => {
        expectObservable(publish('                                 abc-----d-|')).toBe('abc-----d-|')
        expectObservable(events({ from: 'all' }).pipe(letter), '     ----^-----!').toBe('----(bc)d')
        expectObservable(events({ from: { last: 1 } }).pipe(letter), '----^-----!').toBe('----c---d')
      },
      { keep: 2 },
    )
  })

  it('waits for no one that takes everything once', () => {
    topic(({ publish, events, expectObservable }) => {
      const refuse = tap<Event>(() => hold()?.(new Error('not done')))

      expectObservable(publish('                                    a-b--|')).toBe('a-b--|')
      expectObservable(events({ ack: 'none' }).pipe(refuse, letter), '^---!').toBe('  a-b')
    })
  })

  it('takes an id once within deduplicateMs', () => {
    topic(
      ({ publish, events, expectObservable }) => {
        const named = { id: 'order-7' }

        expectObservable(publish('              a--b---c--|', named)).toBe('a--b---c--|')
        expectObservable(events().pipe(letter), '^---------!').toBe(' a------c')
      },
      { deduplicateMs: 5 },
    )
  })
})
