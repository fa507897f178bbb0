import { NEVER, Observable, Subject, concat, from, of, range, throwError } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { systemRuntime } from 'millrace/core'
import { deliver, paced, pull } from 'millrace/streams'
import { hop } from '../support/hop.js'

/** Pushes letters as deliveries; `books` says how each ended. */
const topic = () => {
  const message$ = new Subject<string>()
  const books: string[] = []
  const push = (letter: string): void =>
    deliver(message$, letter, error => void books.push(`${error === undefined ? 'ack' : 'nak'} ${letter}`))
  return { message$, books, push }
}

const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

describe('pull', () => {
  it('loops over every item', async () => {
    expect(await collect(pull(of(1, 2, 3)))).toEqual([1, 2, 3])
  })

  it('consumes an item when the loop asks for the next', async () => {
    const { message$, books, push } = topic()
    const iterator = pull(message$)[Symbol.asyncIterator]()
    const seen: string[][] = []

    const first = iterator.next()
    push('a')
    push('b')
    await first
    seen.push([...books])
    await iterator.next()
    seen.push([...books])

    expect(seen).toEqual([[], ['ack a']])
  })

  it('consumes at once what was asked ahead of', async () => {
    const { message$, books, push } = topic()
    const iterator = pull(message$)[Symbol.asyncIterator]()

    const asked = [iterator.next(), iterator.next()]
    push('a')
    push('b')

    expect(await Promise.all(asked)).toMatchObject([{ value: 'a' }, { value: 'b' }])
    expect(books).toEqual(['ack a'])
  })

  it('keeps a remote source within its window', async () => {
    const remote = hop(paced(Array.from({ length: 300 }, (_, n) => n)), { runtime: systemRuntime(), window: 4 })
    const seen: number[] = []

    for await (const n of pull(remote)) {
      if (n % 50 === 0) await new Promise(setImmediate)
      seen.push(n)
    }

    expect(seen).toHaveLength(300)
    expect(remote.books).toMatchObject({ consumed: 300, doubled: 0, uncredited: 0 })
    expect(remote.books.ahead).toBeLessThanOrEqual(5)
  })

  it('naks what is in hand or waits on break', async () => {
    const { message$, books, push } = topic()
    const letters = new Observable<string>(subscriber => {
      const subscription = message$.subscribe(subscriber)
      for (const letter of 'abc') push(letter)
      return subscription
    })

    for await (const letter of pull(letters)) if (letter === 'b') break

    expect(books).toEqual(['ack a', 'nak b', 'nak c'])
    expect(message$.observed).toBe(false)
  })

  it('throws an error after the items before it', async () => {
    const failing = concat(
      of('a'),
      throwError(() => new Error('torn')),
    )
    const seen: string[] = []

    const loop = async (): Promise<void> => {
      for await (const letter of pull(failing)) seen.push(letter)
    }

    await expect(loop()).rejects.toThrow('torn')
    expect(seen).toEqual(['a'])
  })

  it('throws when too many items were pushed', async () => {
    const source$ = new Subject<number>()
    const iterator = pull(source$)[Symbol.asyncIterator]()
    const first = iterator.next()

    for (let n = 0; n < 1026; n++) source$.next(n)

    await first
    expect(source$.observed).toBe(false)
    for (let n = 1; n < 1025; n++) expect(await iterator.next()).toEqual({ done: false, value: n })
    await expect(iterator.next()).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'overflow' })
  })

  it('takes a synchronous burst up to its limit', async () => {
    expect(await collect(pull(range(5000)))).toHaveLength(5000)
    await expect(collect(pull(range(70_000)))).rejects.toMatchObject({ reason: 'burst' })
  })

  it('subscribes with the first next, once an iterator', async () => {
    let subscriptions = 0
    const source = new Observable<number>(subscriber => {
      subscriptions++
      subscriber.complete()
    })
    const items = pull(source)
    const iterator = items[Symbol.asyncIterator]()

    expect(subscriptions).toBe(0)
    await iterator.next()
    await iterator.next()
    expect(subscriptions).toBe(1)
  })

  it('ends who waits when the loop is left', async () => {
    const iterator = pull(NEVER)[Symbol.asyncIterator]()
    const waiting = iterator.next()

    await iterator.return?.()

    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })

  it('gives back what paced takes', async () => {
    const items = pull(from([1, 2, 3]))

    expect(await collect(pull(paced(items)))).toEqual([1, 2, 3])
  })
})
