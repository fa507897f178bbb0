import * as E from 'fp-ts/lib/Either.js'
import {
  actor,
  contract,
  createServer,
  createStub,
  clientStream,
  duplex,
  serverStream,
  tell,
  unary,
  type Context,
  type Stub,
} from 'millrace/actors'
import { emptyHeader, RpcError, seededRuntime, silentLog, type Message } from 'millrace/core'
import type { Call, Peer } from 'millrace/protocol'
import {
  concatMap,
  map,
  mergeMap,
  NEVER,
  Observable,
  of,
  reduce,
  Subject,
  take,
  throwError,
  VirtualTimeScheduler,
} from 'rxjs'
import { describe, expect, it, vi } from 'vitest'
import { record } from '../support/recording.js'
import { thrownBy } from '../support/thrown-by.js'

const Words = contract('words', {
  count: unary<string, number>(),
  split: serverStream<string, string>(),
  join: clientStream<string, string>(),
  upper: duplex<string, string>(),
  forget: tell<string>(),
})

const words = createStub(
  Words,
  createServer({
    actors: [
      actor(Words, {
        count: text => text.length,
        split: text => text.split(' '),
        join: text$ => text$.pipe(reduce((all, text) => all + text, '')),
        upper: text$ => text$.pipe(map(text => text.toUpperCase())),
        forget: () => {},
      }),
    ],
  }),
)

/** A peer that shows its calls and answers as it is told. */
function probe(answer: (call: Call) => Observable<Message> = () => NEVER): Peer & { readonly calls: Call[] } {
  const calls: Call[] = []
  return {
    calls,
    call: call =>
      new Observable(subscriber => {
        calls.push(call)
        return answer(call).subscribe(subscriber)
      }),
  }
}

const timed = (
  peer: Peer,
): { readonly scheduler: VirtualTimeScheduler; readonly stub: Stub<typeof Words.endpoints> } => {
  const scheduler = new VirtualTimeScheduler()
  const runtime = seededRuntime({ scheduler, seed: 1 })
  return { scheduler, stub: createStub(Words, peer, { runtime, log: silentLog }).with({ deadlineMs: 200 }) }
}

describe('createStub', () => {
  it('composes services into one pipeline', () => {
    const upper$ = of('a b', 'c').pipe(concatMap(words.split), words.upper)

    expect(record(upper$).values).toEqual(['A', 'B', 'C'])
    expect(record(of('a', 'bc').pipe(mergeMap(words.count))).values).toEqual([1, 2])
    expect(record(of('a', 'bc').pipe(words.join)).values).toEqual(['abc'])
  })

  it('keeps a method that was made', () => {
    expect(words.count).toBe(words.count)
    expect(words.promise.count).toBe(words.promise.count)
  })

  it('shows its endpoints and is no promise', () => {
    const names: string[] = []
    for (const name in words) names.push(name)

    expect(names).toEqual(['count', 'split', 'join', 'upper', 'forget'])
    expect(words).not.toHaveProperty('then')
  })

  it.each([
    ['an array', ['a', 'b']],
    ['a set', new Set(['a', 'b'])],
    ['an Observable', of('a', 'b')],
  ])('takes %s as requests', (_, requests) => {
    expect(record(words.join(requests)).values).toEqual(['ab'])
  })

  it.each([
    ['a promise', Promise.resolve('ab')],
    ['a readable stream', new Blob(['ab']).stream().pipeThrough(new TextDecoderStream())],
  ])('takes %s as requests', async (_, requests) => {
    await expect(words.promise.join(requests)).resolves.toBe('ab')
  })

  it.each(['text', undefined, null, 7, {}])('refuses %j as requests', requests => {
    const { error } = record(words.upper(requests as never))

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'not_a_stream' })
    expect(error?.message).toContain('words.upper takes a stream')
  })

  it('stops a synchronous source of replies when unsubscribed', () => {
    let sent = 0
    const peer = probe(
      () =>
        new Observable(subscriber => {
          while (!subscriber.closed) subscriber.next({ header: emptyHeader, body: sent++ })
        }),
    )

    const { values } = record(createStub(Words, peer).split('a').pipe(take(2)))

    expect(values).toEqual([0, 1])
    expect(sent).toBe(2)
  })

  it('passes items without a body and keeps trailers back', () => {
    const messages: Message[] = [
      { header: emptyHeader, body: undefined },
      { header: { checksum: '1' }, body: undefined },
    ]

    const { values } = record(
      createStub(
        Words,
        probe(() => of(...messages)),
      ).split('a'),
    )

    expect(values).toEqual([undefined])
  })

  it.each([
    ['fails with', probe(() => throwError(() => new TypeError('odd')))],
    [
      'throws',
      {
        call: () => {
          throw new TypeError('odd')
        },
      },
    ],
  ])('makes an RpcError of whatever a peer %s', (_, peer) => {
    const { error } = record(createStub(Words, peer).count('a'))

    expect(RpcError.is(error)).toBe(true)
    expect(error?.code).toBe('UNKNOWN')
  })

  describe('with', () => {
    it('adds to what was said before', () => {
      const peer = probe()
      const stub = createStub(Words, peer).with({ header: { a: '1', b: '1' }, key: 'k' })

      record(stub.with({ header: { b: '2' } }).count('a'))

      expect(peer.calls).toMatchObject([{ header: { a: '1', b: '2' }, key: 'k', deadline: undefined, body: 'a' }])
    })

    it('leaves the stub it is called on as it was', () => {
      const peer = probe()
      const stub = createStub(Words, peer)
      stub.with({ key: 'k' })

      record(stub.count('a'))

      expect(peer.calls).toMatchObject([{ key: undefined }])
    })

    it('lists what is wrong with its options', () => {
      const error = thrownBy(() => words.with({ deadlineMs: -1, key: '', deadline: 3 } as never))

      expect(error.reason).toBe('invalid_options')
      expect(error.details).toHaveLength(3)
    })
  })

  describe('with a context', () => {
    const header = Object.assign(Object.create(null) as object, { traceparent: '00-ab', authorization: 'secret' })
    const contextOf = (peer: Peer, deadline?: number): { context: Context; cancel(): void } => {
      let context: Context | undefined
      const Outer = contract('outer', { run: unary() })
      const server = createServer({ actors: [actor(Outer, { run: (_, seen) => ((context = seen), NEVER) })] })
      const head = { route: Outer.routes.run, header, deadline, key: undefined } as const
      const { subscription } = record(server.call({ ...head, kind: 'unary', body: undefined }))
      return { context: context as Context, cancel: () => subscription.unsubscribe() }
    }

    it('hands on the trace and nothing else', () => {
      const peer = probe()

      record(createStub(Words, peer).with(contextOf(peer).context).count('a'))

      expect({ ...peer.calls[0]?.header }).toEqual({ traceparent: '00-ab' })
    })

    it('takes the earlier of both deadlines', () => {
      const scheduler = new VirtualTimeScheduler()
      const runtime = seededRuntime({ scheduler, seed: 1 })
      const peer = probe()
      const far = Date.now() + 60_000_000
      const stub = createStub(Words, peer, { runtime }).with(contextOf(peer, far).context)

      record(stub.count('a')).subscription.unsubscribe()
      record(stub.with({ deadlineMs: 50 }).count('a')).subscription.unsubscribe()

      expect(peer.calls.map(({ deadline }) => deadline)).toEqual([far, scheduler.now() + 50])
    })

    it('cancels its calls with the call being answered', () => {
      const left = vi.fn()
      const peer = probe(() => new Observable(() => left))
      const call = contextOf(peer)
      const inner = record(createStub(Words, peer).with(call.context).count('a'))

      call.cancel()

      expect(left).toHaveBeenCalledTimes(1)
      expect(inner.error).toMatchObject({ code: 'CANCELLED' })
    })
  })

  describe('signal', () => {
    it('fails the call with its reason', () => {
      const controller = new AbortController()
      const call = record(createStub(Words, probe()).with({ signal: controller.signal }).count('a'))

      controller.abort(new TypeError('enough'))

      expect(call.error).toMatchObject({ code: 'CANCELLED', cause: { message: 'enough' } })
    })

    it('keeps a call from starting when aborted before', () => {
      const peer = probe()

      const { error } = record(createStub(Words, peer).with({ signal: AbortSignal.abort() }).count('a'))

      expect(error?.code).toBe('CANCELLED')
      expect(peer.calls).toEqual([])
    })

    it('loses its listener with the call', () => {
      const { signal } = new AbortController()
      const remove = vi.spyOn(signal, 'removeEventListener')

      record(words.with({ signal }).count('a'))

      expect(remove).toHaveBeenCalledTimes(1)
    })

    it('joins the signals of nested stubs', () => {
      const [outer, inner] = [new AbortController(), new AbortController()]
      const stub = createStub(Words, probe()).with({ signal: outer.signal }).with({ signal: inner.signal })
      const call = record(stub.count('a'))

      outer.abort()

      expect(call.error?.code).toBe('CANCELLED')
    })
  })

  describe('deadlineMs', () => {
    it('fails the call and cancels it', () => {
      const left = vi.fn()
      const { scheduler, stub } = timed(probe(() => new Observable(() => left)))
      const call = record(stub.split('a'))

      scheduler.flush()

      expect(scheduler.now()).toBe(200)
      expect(left).toHaveBeenCalledTimes(1)
      expect(call.error).toMatchObject({ code: 'DEADLINE_EXCEEDED', reason: 'deadline_exceeded' })
      expect(call.error?.message).toContain('words.split did not end within 200 ms')
    })

    it('fails the call although its teardown throws', () => {
      const throws = (): never => {
        throw new TypeError('left badly')
      }
      const { scheduler, stub } = timed(probe(() => new Observable(() => throws)))
      const call = record(stub.split('a'))

      expect(() => scheduler.flush()).toThrow('left badly')
      expect(call.error?.code).toBe('DEADLINE_EXCEEDED')
    })

    it('starts anew with each subscription', () => {
      const peer = probe()
      const { scheduler, stub } = timed(peer)
      const call$ = stub.count('a')
      record(call$)
      scheduler.schedule(() => record(call$), 100)

      scheduler.flush()

      expect(peer.calls.map(({ deadline }) => deadline)).toEqual([200, 300])
    })

    it('leaves no timer behind an answer', () => {
      const { scheduler, stub } = timed(probe(() => of({ header: emptyHeader, body: 1 })))

      const { completed } = record(stub.count('a'))

      expect(completed).toBe(true)
      expect(scheduler.actions.filter(action => !action.closed)).toEqual([])
    })

    it('keeps a call that is too late from being sent', () => {
      const peer = probe()

      const { error } = record(timed(peer).stub.with({ deadlineMs: 0 }).count('a'))

      expect(error).toMatchObject({ code: 'DEADLINE_EXCEEDED', reason: 'expired_before_send' })
      expect(peer.calls).toEqual([])
    })
  })

  describe('promise', () => {
    it('starts without being awaited', () => {
      const peer = probe()

      void createStub(Words, peer).promise.count('a')

      expect(peer.calls).toHaveLength(1)
    })

    it('resolves with the reply, and with nothing for a tell', async () => {
      await expect(words.promise.count('abc')).resolves.toBe(3)
      await expect(words.promise.forget('abc')).resolves.toBeUndefined()
    })

    it('has no streams of replies', () => {
      expect('split' in words.promise).toBe(false)
      expect('upper' in words.promise).toBe(false)
    })

    it('rejects with the RpcError', async () => {
      const failing = createStub(
        Words,
        probe(() => throwError(() => new RpcError('NOT_FOUND', 'none'))),
      )

      await expect(failing.promise.count('a')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    })
  })

  describe('either', () => {
    it('gives replies as Right', () => {
      expect(record(words.either.split('a b')).values).toEqual([E.right('a'), E.right('b')])
    })

    it('gives the error as a last Left and completes', () => {
      const error = new RpcError('NOT_FOUND', 'none')
      const stub = createStub(
        Words,
        probe(() => throwError(() => error)),
      )

      const reply = record(stub.either.count('a'))

      expect(reply).toMatchObject({ values: [E.left(error)], completed: true, error: undefined })
    })
  })

  it('passes a stream on while it runs', () => {
    const text$ = new Subject<string>()
    const { values } = record(text$.pipe(words.upper))

    text$.next('a')

    expect(values).toEqual(['A'])
  })
})
