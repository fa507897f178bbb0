import { of, type MonoTypeOperatorFunction, type Observable, type OperatorFunction } from 'rxjs'
import { describe, expectTypeOf, it } from 'vitest'
import { deliver, hold, overflow, paceByReply, paced, pacedMap, pull, type Release } from 'millrace/streams'
import { marbles, type Deliveries, type MarbleSource } from 'millrace/testing'
import type { Runtime } from 'millrace/core'

declare const runtime: Runtime
const words = (line: string): Observable<string> => of(line)

describe('pacedMap', () => {
  it('maps to the values of its inner Observables', () => {
    expectTypeOf(pacedMap((n: number) => words(String(n)))).toEqualTypeOf<OperatorFunction<number, string>>()
    expectTypeOf(of('a').pipe(pacedMap(words))).toEqualTypeOf<Observable<string>>()
  })

  it('takes arrays, promises and paced sources as inner Observables', () => {
    expectTypeOf(of('a').pipe(pacedMap(letter => [letter.length]))).toEqualTypeOf<Observable<number>>()
    expectTypeOf(of('a').pipe(pacedMap(async letter => letter.length))).toEqualTypeOf<Observable<number>>()
    expectTypeOf(of('a').pipe(pacedMap(letter => paced([letter])))).toEqualTypeOf<Observable<string>>()
  })

  it('refuses what is no stream or no option', () => {
    // @ts-expect-error a number is no ObservableInput
    pacedMap((n: number) => n)
    // @ts-expect-error spelt wrong
    pacedMap(words, { concurency: 4 })
  })
})

describe('paced', () => {
  it('infers the item', () => {
    expectTypeOf(paced([1, 2])).toEqualTypeOf<Observable<number>>()
    expectTypeOf(paced(new ReadableStream<Uint8Array>())).toEqualTypeOf<Observable<Uint8Array>>()
  })

  it('refuses an Observable', () => {
    // @ts-expect-error it pushes, and cannot be asked
    paced(of(1))
  })
})

describe('pull', () => {
  it('turns an Observable into an AsyncIterable', () => {
    expectTypeOf(pull(of(1))).toEqualTypeOf<AsyncIterable<number>>()
  })
})

describe('overflow', () => {
  it('keeps the type, and knows its policies', () => {
    expectTypeOf(overflow<number>('latest', 1)).toEqualTypeOf<MonoTypeOperatorFunction<number>>()
    // @ts-expect-error no such policy
    overflow('oldest', 1)
  })
})

describe('paceByReply', () => {
  it('keeps requests and replies apart', () => {
    const behaviour = paceByReply((lines: Observable<string>) => lines.pipe(pacedMap(l => [l.length])), {
      name: 'words.count',
      runtime,
    })

    expectTypeOf(behaviour).toEqualTypeOf<(requests$: Observable<string>) => Observable<number>>()
  })
})

describe('hold', () => {
  it('may give nothing', () => {
    expectTypeOf(hold()).toEqualTypeOf<Release | undefined>()
  })
})

describe('deliver', () => {
  it('takes anything that has a next of the type', () => {
    deliver({ next: (n: number) => n }, 1, () => {})
    // @ts-expect-error another type of item
    deliver({ next: (n: number) => n }, 'a', () => {})
  })
})

describe('marbles', () => {
  it('types sources by their values', () => {
    marbles(({ cold, deliveries }) => {
      expectTypeOf(cold('a')).toEqualTypeOf<MarbleSource<string>>()
      expectTypeOf(deliveries('a', { a: 1 })).toEqualTypeOf<Deliveries<number>>()
    })
  })
})
