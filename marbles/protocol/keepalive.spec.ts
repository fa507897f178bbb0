import { marbles } from 'millrace/testing'
import { Observable, Subscription, type Subscriber } from 'rxjs'
import { describe, it } from 'vitest'
import { Keepalive } from '../../src/protocol/rsocket/keepalive.js'

interface Lanes {
  /** When something is heard. */
  readonly heard: string
  /** s: a keepalive is sent. d: the connection counts as dead. */
  readonly told: string
  readonly sendEveryMs?: number
  readonly maxLifetimeMs?: number
}

function check({ heard, told, sendEveryMs = 5, maxLifetimeMs = 20 }: Lanes): void {
  marbles(({ hot, runtime, expectObservable }) => {
    const heard$ = hot(heard)
    const told$ = new Observable((subscriber: Subscriber<string>) => {
      const keepalive = new Keepalive(
        runtime,
        { sendEveryMs, maxLifetimeMs },
        { send: () => subscriber.next('s'), dead: () => subscriber.next('d') },
      )
      const hearing = new Subscription(() => keepalive.stop())
      hearing.add(heard$.subscribe(() => keepalive.hear()))
      return hearing
    })

    expectObservable(told$, `^${'-'.repeat(39)}!`).toBe(told)
  })
}

describe('Keepalive', () => {
  it('sends all the time while something is heard', () => {
    check({
      heard: 'h--h--h--h--h--h--h--h--h--h--h--h--h--h',
      told: ' -----s----s----s----s----s----s----s----',
    })
  })

  it('takes silence of the lifetime for death', () => {
    check({
      heard: '---h------------------------------------',
      told: ' -----s----s----s----s-d',
    })
  })

  it('is alive by a single word in time', () => {
    check({
      heard: '---h-----------------h------------------',
      told: ' -----s----s----s----s----s----s----s----',
    })
  })

  it('may only watch', () => {
    check({
      heard: '---h------------------------------------',
      told: ' ----------------------d',
      sendEveryMs: Infinity,
    })
  })
})
