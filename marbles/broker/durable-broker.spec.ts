import {
  durableBroker,
  type DurableOptions,
  type Event,
  memoryLog,
  nativeEnvelope,
  type SubscribeOptions,
} from 'millrace/broker'
import { json } from 'millrace/codec'
import { messageOf, RpcError, silentLog } from 'millrace/core'
import { hold, pacedMap } from 'millrace/streams'
import { type MarbleKit, marbles } from 'millrace/testing'
import { map, mergeMap, type Observable, tap } from 'rxjs'
import { describe, it } from 'vitest'

/** What a spec is written with: the marble kit, a topic to publish to by a diagram, and its dead letters. */
interface Topic extends MarbleKit {
  /** Publishes the letters of `diagram`, each with itself as the key. */
  readonly publish: (diagram: string) => Observable<string>
  readonly events: (options?: SubscribeOptions) => Observable<Event>
  readonly letters: () => Observable<string>
}

function topic(spec: (topic: Topic) => void, options?: Partial<DurableOptions>): void {
  marbles(kit => {
    const { runtime } = kit
    const logs = { messages: memoryLog({ runtime }), dead: memoryLog({ runtime }) }
    const broker = durableBroker(logs, { envelope: nativeEnvelope(json()), runtime, log: silentLog, ...options })
    spec({
      ...kit,
      publish: diagram =>
        kit
          .hot(diagram)
          .pipe(
            mergeMap(body => broker.publish('t', messageOf(body), { key: body.toLowerCase() }).pipe(map(() => body))),
          ),
      events: given => broker.subscribe('t', { queue: 'q', ...given }),
      letters: () => broker.deadLetters.added$.pipe(map(({ message }) => String(message.body))),
    })
  })
}

const letter = map(({ message }: Event) => String(message.body))
const isBad = ({ message }: Event): boolean => message.body === 'a'
const failing = tap<Event>(event => hold()?.(isBad(event) ? new RpcError('UNAVAILABLE', 'no disk') : undefined))

describe('durableBroker', () => {
  it('delivers in the millisecond of publication', () => {
    topic(({ publish, events, expectObservable }) => {
      expectObservable(publish('               -a-(bc)---|')).toBe('-a-(bc)---|')
      expectObservable(events().pipe(letter), '^---------!').toBe(' -a-(bc)')
    })
  })

  it('asks for more as messages are consumed', () => {
    topic(({ publish, events, cold, runtime, expectObservable }) => {
      const slowly = pacedMap((event: Event) => cold('---(x|)', { x: event.message.body }), { runtime })

      expectObservable(publish('                            (abcd)---------|')).toBe('(abcd)---------|')
      expectObservable(events({ window: 1 }).pipe(slowly), '^--------------!').toBe(' ---a--b--c--d')
    })
  })

  it('keeps messages for a queue that has no members', () => {
    topic(({ publish, events, expectObservable }) => {
      expectObservable(publish('               -a--b--c--|')).toBe('-a--b--c--|')
      expectObservable(events().pipe(letter), '^-!').toBe('         -a')
      expectObservable(events().pipe(letter), '-----^---!').toBe('     -----b-c')
    })
  })

  it('delivers again what failed, later with every attempt', () => {
    topic(
      ({ publish, events, letters, expectObservable }) => {
        expectObservable(publish('                        ab------|')).toBe('ab------|')
        expectObservable(events().pipe(failing, letter), '^-------!').toBe('aba---a')
        expectObservable(letters(), '                      ^-------!').toBe('------a')
      },
      { backoffMs: [2, 4], maxDeliver: 3 },
    )
  })

  it('keeps the order of a key when a message fails', () => {
    topic(
      ({ publish, events, letters, expectObservable }) => {
        expectObservable(publish('                                         aAbA----|')).toBe('aAbA----|')
        expectObservable(events({ ordered: true }).pipe(failing, letter), '^-------!').toBe('a-b-(aAA)')
        expectObservable(letters(), '                                       ^-------!').toBe('----a---')
      },
      { backoffMs: [4], maxDeliver: 2 },
    )
  })

  it('does not deliver again what is worked on for long', () => {
    topic(
      ({ publish, events, cold, runtime, expectObservable }) => {
        const slowly = pacedMap((event: Event) => cold('500ms (x|)', { x: event.message.body }), { runtime })

        expectObservable(publish('                  a 998ms |')).toBe('a 998ms |')
        expectObservable(events().pipe(slowly), '   ^ 998ms !').toBe('500ms a')
      },
      { ackWaitMs: 120 },
    )
  })

  it('gives back what a leaving member has not settled', () => {
    topic(({ publish, events, expectObservable }) => {
      const holds = tap<Event>(() => void hold())
      const manual = { ack: 'manual' } as const

      expectObservable(publish('                              ab------|')).toBe('ab------|')
      expectObservable(events(manual).pipe(holds, letter), '  ^--!').toBe('     ab')
      expectObservable(events(manual).pipe(letter), '         ----^---!').toBe('----(ab)')
    })
  })
})
