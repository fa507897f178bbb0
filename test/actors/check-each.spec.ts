import { systemRuntime } from 'millrace/core'
import { deliver } from 'millrace/streams'
import { Observable, Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { checkEach } from '../../src/actors/check-each.js'

const place = { name: 'words.tally', onStalled: () => {}, runtime: systemRuntime() }

/** Refuses `x`; asynchronous from the first `p` on. */
const check = (value: unknown): unknown => {
  if (value === 'x') throw new Error('no x')
  return value === 'p' ? Promise.resolve('P') : value
}

describe('checkEach with an asynchronous schema', () => {
  it('keeps the order of values', async () => {
    const letter$ = new Subject<string>()
    const seen: unknown[] = []
    const ended = new Promise<void>(resolve => {
      letter$.pipe(checkEach(check, place)).subscribe({ next: value => seen.push(value), complete: resolve })
    })

    for (const letter of 'apbp') letter$.next(letter)
    letter$.complete()
    await ended

    expect(seen).toEqual(['a', 'P', 'b', 'P'])
  })

  it('tears its source down when that completes', () => {
    let torn = 0
    const letter$ = new Observable<string>(subscriber => {
      subscriber.add(() => torn++)
      subscriber.next('p')
      subscriber.complete()
    })

    letter$.pipe(checkEach(check, place)).subscribe()

    expect(torn).toBe(1)
  })

  it('holds values until they are checked', async () => {
    const letter$ = new Subject<string>()
    const books: string[] = []
    const seen = new Promise(resolve => letter$.pipe(checkEach(check, place)).subscribe(resolve))

    deliver(letter$, 'p', error => void books.push(`p ${error === undefined ? 'ack' : 'nak'}`))
    const before = [...books]
    await seen
    await Promise.resolve()

    expect([before, books]).toEqual([[], ['p ack']])
  })

  it('naks what waits when a value is refused', () => {
    const letter$ = new Subject<string>()
    const books: string[] = []
    letter$.pipe(checkEach(check, place)).subscribe({ error: () => {} })

    for (const letter of 'px') {
      deliver(letter$, letter, error => void books.push(`${letter} ${error === undefined ? 'ack' : 'nak'}`))
    }

    expect(books.toSorted()).toEqual(['p nak', 'x nak'])
  })
})
