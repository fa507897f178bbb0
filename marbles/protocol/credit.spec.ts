import { json } from 'millrace/codec'
import { emptyHeader, messageOf, silentLog, type Message } from 'millrace/core'
import type { Call } from 'millrace/protocol'
import { rsocket } from 'millrace/protocol/rsocket'
import { pacedMap } from 'millrace/streams'
import { marbles, type MarbleKit } from 'millrace/testing'
import { memoryTransport } from 'millrace/transport'
import { delay, EMPTY, ignoreElements, map, mergeMap, of, shareReplay, switchMap, take, type Observable } from 'rxjs'
import { describe, it } from 'vitest'

/**
 * Makes calls over two engines, one of which answers with `handler`; bodies come out. Every frame takes 1 ms. The
 * connection is open after 2 ms, so a call reaches its handler at 3 ms, and what that emits at once arrives at 4 ms.
 */
function caller(
  { runtime, expectObservable }: MarbleKit,
  window: number,
  handler: (call: Call) => Observable<Message>,
): (call: Call) => Observable<unknown> {
  const transport = memoryTransport({ runtime, latencyMs: 1 })
  const protocol = rsocket(transport, { runtime, window, codec: json(), log: silentLog })
  const connection$ = protocol
    .listen('memory:server', () => ({ call: handler }))
    .pipe(
      switchMap(({ address }) => protocol.connect(address)),
      shareReplay({ bufferSize: 1, refCount: true }),
    )
  expectObservable(connection$.pipe(ignoreElements()), '^ 30ms !').toBe('-')
  return call =>
    connection$.pipe(
      take(1),
      mergeMap(connection => connection.call(call)),
      map(({ body }) => body),
    )
}

const head = {
  route: { contract: 'marbles', version: '1.0.0', endpoint: 'stream' },
  header: emptyHeader,
  deadline: undefined,
  key: undefined,
}
const stream: Call = { ...head, kind: 'serverStream', body: undefined }

function channel(letters: Observable<string>): Call {
  return { ...head, kind: 'duplex', messages: letters.pipe(map(messageOf)) }
}

describe('a stream over a connection', () => {
  it('arrives as it was sent, a crossing later', () => {
    marbles(kit => {
      const letters = kit.cold('                   a-b-|')
      const call = caller(kit, 4, () => letters.pipe(map(messageOf)))

      kit.expectObservable(call(stream)).toBe('----a-b-|')
      kit.expectSubscriptions(letters).toBe('  ---^---!')
    })
  })

  it('sends an item for each that is consumed', () => {
    marbles(kit => {
      const letters = kit.deliveries('                        abcd|')
      const call = caller(kit, 2, () => letters.pipe(map(messageOf)))
      const slowly = pacedMap(letter => of(letter).pipe(delay(4)), { concurrency: 1, runtime: kit.runtime })

      kit.expectObservable(call(stream).pipe(slowly)).toBe('--------a---b---c---(d|)')
      kit.expectCredits(letters).toBe('                     ---a-----(bc)d')
    })
  })

  it('is torn down a crossing after it is unsubscribed', () => {
    marbles(kit => {
      const letters = kit.cold('                              a-b-c-d-e-f')
      const call = caller(kit, 4, () => letters.pipe(map(messageOf)))

      kit.expectObservable(call(stream), '^------!').toBe('----a-b')
      kit.expectSubscriptions(letters).toBe('             ---^----!')
    })
  })
})

describe('a channel over a connection', () => {
  const echo = (call: Call): Observable<Message> => ('messages' in call ? call.messages : EMPTY)

  it('sends a request for each that is consumed', () => {
    marbles(kit => {
      const requests = kit.deliveries('                        abc|')
      const call = caller(kit, 1, echo)

      kit.expectObservable(call(channel(requests))).toBe('------a---b---(c|)')
      kit.expectCredits(requests).toBe('                  --------(ab)c')
    })
  })

  it('unsubscribes its requests when replies end', () => {
    marbles(kit => {
      const requests = kit.cold('                            a--b--c--d')
      const replies = kit.cold('                              x--|')
      const call = caller(kit, 4, () => replies.pipe(map(messageOf)))

      kit.expectObservable(call(channel(requests))).toBe('----x--|')
      kit.expectSubscriptions(requests).toBe('            --^----!')
    })
  })

  it('unsubscribes replies when requests fail', () => {
    marbles(kit => {
      const requests = kit.cold('                           ---#')
      const replies = kit.cold('                             x--y--z')
      const call = caller(kit, 4, () => replies.pipe(map(messageOf)))

      kit.expectObservable(call(channel(requests))).toBe('----x#')
      kit.expectSubscriptions(replies).toBe('             ---^--!')
    })
  })
})
