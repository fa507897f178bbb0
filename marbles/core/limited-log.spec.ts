import { limitedLog } from 'millrace/core'
import { marbles } from 'millrace/testing'
import { Observable } from 'rxjs'
import { describe, it } from 'vitest'

describe('limitedLog', () => {
  it('passes on one event of a name, counts others', () => {
    marbles(({ cold, expectObservable, runtime }) => {
      const event$ = cold('aaab-----a-----|')
      const passed$ = new Observable<string>(subscriber => {
        const log = limitedLog(({ message }) => subscriber.next(message), runtime, { lines: 1, everyMs: 5 })
        return event$.subscribe({
          next: event => log({ level: 'warn', event, message: event }),
          complete: () => subscriber.complete(),
        })
      })

      expectObservable(passed$).toBe('a--b-----c-----|', { a: 'a', b: 'b', c: 'a (and 2 more since the last line)' })
    })
  })
})
