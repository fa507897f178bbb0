import { actor, contract, on, topic, type TopicHandler } from 'millrace/actors'
import type { Broker, Event } from 'millrace/broker'
import { silentLog } from 'millrace/core'
import { pacedMap } from 'millrace/streams'
import { type MarbleKit, marbles } from 'millrace/testing'
import { EMPTY, map, NEVER, type Observable } from 'rxjs'
import { describe, it } from 'vitest'
import { consumeTopics } from '../../src/actors/consume-topics.js'

const Placed = topic<string>('orders.placed')

/** The handlers of one actor, whose events are `letter$`, until `drain$`. */
function consume(kit: MarbleKit, letter$: Observable<string>, drain: string, ...handlers: readonly TopicHandler[]) {
  const event$ = letter$.pipe(map(letter => ({ id: letter, message: { header: {}, body: letter } }) as Event))
  return consumeTopics({
    actors: [actor(contract('billing', {}), {}, ...handlers)],
    name: undefined,
    broker: { subscribe: () => event$ } as Partial<Broker> as Broker,
    runtime: kit.runtime,
    log: silentLog,
    drain$: kit.hot(drain),
  })
}

const forward = on(Placed, order$ => order$)

describe('consumeTopics', () => {
  it('ends when its handlers have ended after the drain', () => {
    marbles(kit => {
      const source = kit.deliveries('-ab--')
      const inner = kit.cold('        ---|')
      const work = on(
        Placed,
        pacedMap(() => inner, { concurrency: 1, runtime: kit.runtime }),
      )

      kit.expectObservable(consume(kit, source, '---x', work)).toBe('-------|')
      kit.expectSubscriptions(source).toBe('            ^--!')
      kit.expectCredits(source).toBe('                  ----a--b')
    })
  })

  it('waits longer after each failure', () => {
    marbles(kit => {
      const source = kit.cold('#')

      kit.expectObservable(consume(kit, source, '1s x', forward)).toBe('1s |')
      kit.expectSubscriptions(source).toBe(['(^!)', '100ms (^!)', '300ms (^!)', '700ms (^!)'])
    })
  })

  it('waits shortly again after it has worked for long', () => {
    marbles(kit => {
      const source = kit.cold('31s #')

      kit.expectObservable(consume(kit, source, '62150ms x', forward)).toBe('62150ms |')
      kit.expectSubscriptions(source).toBe(['^ 30999ms !', '31100ms ^ 30999ms !'])
    })
  })

  it('ends at once while it waits', () => {
    marbles(kit => {
      kit.expectObservable(consume(kit, kit.cold('#'), '--x', forward)).toBe('--|')
    })
  })

  it('does not subscribe again when a handler fails while draining', () => {
    marbles(kit => {
      const source = kit.cold('-a')
      const inner = kit.cold('  ---#')
      const failing = on(
        Placed,
        pacedMap(() => inner, { runtime: kit.runtime }),
      )

      kit.expectObservable(consume(kit, source, '--x', failing)).toBe('----|')
      kit.expectSubscriptions(source).toBe('^-!')
    })
  })

  it('leaves a topic whose handler completes', () => {
    marbles(kit => {
      const source = kit.cold('-a')
      const done = on(Placed, () => EMPTY)
      const other = on(Placed, () => NEVER)

      kit.expectObservable(consume(kit, source, '---', done)).toBe('|')
      kit.expectObservable(consume(kit, source, '---', done, other), '^--!').toBe('---')
      kit.expectSubscriptions(source).toBe([])
    })
  })
})
