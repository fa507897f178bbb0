import { Readable } from 'node:stream'
import { concatMap, firstValueFrom, lastValueFrom, take, timer, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { hold, paced, pacedMap, type Release } from 'millrace/streams'

/** Counts up, and books what became of it. */
const counter = (n: number) => {
  const books = { taken: 0, closed: 0 }
  async function* count(): AsyncGenerator<number> {
    try {
      for (let i = 0; i < n; i++) {
        books.taken++
        yield i
      }
    } finally {
      books.closed++
    }
  }
  return { books, source: count() }
}

const all = <T>(source: Parameters<typeof paced<T>>[0]): Promise<T[]> => lastValueFrom(paced(source).pipe(toArray()))

describe('paced', () => {
  it('takes async generators', async () => {
    expect(await all(counter(3).source)).toEqual([0, 1, 2])
  })

  it('takes readables of Node', async () => {
    expect(await all(Readable.from(['a', 'b', 'c']))).toEqual(['a', 'b', 'c'])
  })

  it('takes readable streams of the platform', async () => {
    expect(await all(new Blob(['abc']).stream())).toEqual([new TextEncoder().encode('abc')])
  })

  it('takes readable streams that cannot be iterated', async () => {
    const stream = new ReadableStream<number>({
      start: controller => {
        for (const n of [1, 2]) controller.enqueue(n)
        controller.close()
      },
    })
    const reader = { getReader: () => stream.getReader() } as ReadableStream<number>

    expect(await all(reader)).toEqual([1, 2])
  })

  it.each([1, 3])('takes no more than a window of %i ahead', async window => {
    const { books, source } = counter(50)
    let done = 0
    let ahead = 0

    await lastValueFrom(
      paced(source, { window }).pipe(
        pacedMap(
          async () => {
            ahead = Math.max(ahead, books.taken - done)
            await new Promise(setImmediate)
            done++
          },
          { concurrency: 10 },
        ),
      ),
    )

    expect(done).toBe(50)
    expect(ahead).toBe(window)
  })

  it('closes an async generator when unsubscribed', async () => {
    const { books, source } = counter(1000)

    await lastValueFrom(paced(source).pipe(take(3)))
    await expect.poll(() => books.closed).toBe(1)

    expect(books.taken).toBeLessThanOrEqual(4)
  })

  it('destroys a readable of Node when unsubscribed', async () => {
    const readable = Readable.from(['a', 'b', 'c'])

    await firstValueFrom(paced(readable))

    await expect.poll(() => readable.destroyed).toBe(true)
  })

  it('cancels a readable stream when unsubscribed', async () => {
    let cancelled = false
    const stream = new ReadableStream<number>({
      pull: controller => controller.enqueue(1),
      cancel: () => {
        cancelled = true
      },
    })
    const reader = { getReader: () => stream.getReader() } as ReadableStream<number>

    await firstValueFrom(paced(reader))

    await expect.poll(() => cancelled).toBe(true)
  })

  it('passes a rejection on', async () => {
    const failing = Readable.from(
      (async function* () {
        yield 1
        throw new Error('torn')
      })(),
    )

    await expect(all(failing)).rejects.toThrow('torn')
  })

  it('passes on what a hand-made iterator throws later', async () => {
    let calls = 0
    const source: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          if (calls++ > 0) throw new Error('torn')
          return Promise.resolve({ done: false, value: 1 })
        },
      }),
    }
    const seen: unknown[] = []
    const held: (Release | undefined)[] = []

    paced(source).subscribe({ next: () => void held.push(hold()), error: error => void seen.push(error) })
    await expect.poll(() => held.length).toBe(1)
    held[0]?.()

    expect(seen).toEqual([new Error('torn')])
  })

  it('fails when a hand-made iterator answers with nothing', async () => {
    const source = { [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve(undefined as never) }) }

    await expect(all(source)).rejects.toThrow(TypeError)
  })

  it('emits a million synchronous items without growing the stack', async () => {
    const million = { *[Symbol.iterator]() { for (let n = 0; n < 1_000_000; n++) yield n } } // prettier-ignore
    let seen = 0

    paced(million).pipe(pacedMap(n => [n])).subscribe(() => seen++) // prettier-ignore

    expect(seen).toBe(1_000_000)
  })

  it('works off a long backlog without growing the stack', async () => {
    const gate = timer(1)
    const inputs = Array.from({ length: 50_000 }, (_, n) => n)

    const seen = await lastValueFrom(
      paced([0]).pipe(
        concatMap(() => inputs),
        pacedMap(n => (n === 0 ? gate : [n]), { concurrency: 1 }),
        toArray(),
      ),
    )

    expect(seen).toHaveLength(50_000)
  })

  it.each([[undefined], [null], [42], [{}]])('refuses %s', source => {
    expect(() => paced(source as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', reason: 'not_iterable' }),
    )
  })

  it.each([0, -1, 1.5, Number.NaN])('refuses a window of %d', window => {
    expect(() => paced([], { window })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', reason: 'invalid_options' }),
    )
  })
})
