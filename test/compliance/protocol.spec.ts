import { AssertionError } from 'node:assert/strict'
import { emptyHeader, RpcError, silentLog, type Message } from 'millrace/core'
import type { Binding, Call, Connection, Protocol } from 'millrace/protocol'
import { rsocket } from 'millrace/protocol/rsocket'
import { outside } from 'millrace/streams'
import { memoryTransport } from 'millrace/transport'
import { catchError, EMPTY, filter, map, NEVER, Observable, throwError } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { protocolChecks, runCheck, type ProtocolSetup } from 'millrace/testing/compliance'

type Break = (protocol: Protocol) => Partial<Protocol>

/** Changes what becomes of every call of a client. */
function calls(change: (replies: Observable<Message>, call: Call) => Observable<Message>): Break {
  return connections(connection => ({ call: call => change(connection.call(call), call) }))
}

/** Changes every connection of a client. */
function connections(change: (connection: Connection) => Partial<Connection>): Break {
  return protocol => ({
    connect: (address, options) => protocol.connect(address, options).pipe(map(each => overlaid(each, change(each)))),
  })
}

/** Changes every binding. */
function bindings(change: (binding: Binding) => Partial<Binding>): Break {
  return protocol => ({
    listen: (address, serve) => protocol.listen(address, serve).pipe(map(each => overlaid(each, change(each)))),
  })
}

/** An object with some members replaced; the others are its own, getters among them. */
function overlaid<T extends object>(base: T, members: Partial<T>): T {
  return new Proxy(base, {
    get: (target, name) => {
      const own = members[name as keyof T] ?? target[name as keyof T]
      return typeof own === 'function'
        ? (own.bind(members[name as keyof T] === undefined ? target : members) as unknown)
        : own
    },
    has: (target, name) => name !== 'run' && name in target,
  })
}

const ignoringUnsubscription = calls(
  replies => new Observable(subscriber => void replies.subscribe({ ...observerOf(subscriber) })),
)
const creditAtOnce = calls(
  replies =>
    new Observable(subscriber =>
      replies.subscribe({ ...observerOf(subscriber), next: message => outside(() => subscriber.next(message)) }),
    ),
)
const requestsWithoutCredit: Break = protocol => ({
  listen: (address, serve) =>
    protocol.listen(address, remote => {
      const peer = serve(remote)
      return {
        call: call =>
          peer.call(
            'messages' in call
              ? {
                  ...call,
                  messages: new Observable(subscriber =>
                    call.messages.subscribe({
                      ...observerOf(subscriber),
                      next: message => outside(() => subscriber.next(message)),
                    }),
                  ),
                }
              : call,
          ),
      }
    }),
})

/** Protocols that break the contract in one point, and the check that must notice. */
const broken: { readonly [title: string]: Break } = {
  'answers a unary call with one message': calls((replies, { kind }) => (kind === 'unary' ? EMPTY : replies)),
  'streams replies, all and in order': calls(replies => replies.pipe(filter(({ body }) => body !== 7))),
  'streams requests, all and in order': connections(connection => ({
    call: call =>
      connection.call(
        'messages' in call ? { ...call, messages: call.messages.pipe(filter(({ body }) => body !== 7)) } : call,
      ),
  })),
  'streams both ways at once': calls((replies, { kind }) => (kind === 'duplex' ? EMPTY : replies)),
  'completes a tell without an answer': calls((replies, { kind }) => (kind === 'tell' ? NEVER : replies)),
  'makes a call once a subscription, not before': calls(replies => {
    replies.subscribe({ error: () => {} })
    return replies
  }),
  'keeps header entries, trailers and missing bodies': calls(replies =>
    replies.pipe(map(({ body }) => ({ header: emptyHeader, body }))),
  ),
  'tells the handler of route and kind': connections(connection => ({
    call: call => connection.call(call.kind === 'clientStream' ? { ...call, kind: 'duplex' } : call),
  })),
  'passes errors on whole': calls(replies =>
    replies.pipe(catchError(({ code, rawMessage }: RpcError) => throwError(() => new RpcError(code, rawMessage)))),
  ),
  'cancels a call whose requests fail': calls(replies =>
    replies.pipe(catchError((error: unknown) => throwError(() => RpcError.from(error)))),
  ),
  'tears a producer down within one round trip': ignoringUnsubscription,
  'tears a unary handler down when unsubscribed': ignoringUnsubscription,
  'tears handlers down when the connection drops': protocol => ({
    connect: (address, options) =>
      new Observable(subscriber => void protocol.connect(address, options).subscribe({ ...observerOf(subscriber) })),
  }),
  'fails every running call when the server goes': calls(replies => replies.pipe(catchError(() => NEVER))),
  'refuses calls on a connection that has ended': calls(replies =>
    replies.pipe(catchError(({ code, reason }: RpcError) => throwError(() => new RpcError(code, 'lost', { reason })))),
  ),
  'drains: running calls end, new ones are refused': bindings(() => ({ drain: () => EMPTY })),
  'slows a producer of replies down': creditAtOnce,
  'slows a producer of requests down': requestsWithoutCredit,
  'lets a slow stream hold no other up': connections(connection => {
    let busy = false
    return {
      call: call =>
        new Observable(subscriber => {
          if (busy) return undefined
          busy = true
          return connection.call(call).subscribe(subscriber)
        }),
    }
  }),
  'fails to connect where nobody listens': protocol => ({
    connect: (address, options) => (address === 'memory:nobody' ? NEVER : protocol.connect(address, options)),
  }),
  'asks for a peer once a connection': protocol => ({
    listen: (address, serve) => protocol.listen(address, remote => ({ call: call => serve(remote).call(call) })),
  }),
  'lets a server call its client': protocol => ({ connect: address => protocol.connect(address) }),
}

describe('protocolChecks', () => {
  it('have titles of their own', () => {
    const titles = protocolChecks.map(({ title }) => title)

    expect(new Set(titles).size).toBe(titles.length)
  })

  it('all have a protocol that fails them', () => {
    const untried = protocolChecks.map(({ title }) => title).filter(title => !(title in broken))

    expect(untried).toEqual(['leaves nothing open'])
  })

  it.each(Object.entries(broken))('notice a protocol that is broken: %s', async (title, flaw) => {
    const check = protocolChecks.find(each => each.title === title)

    const outcome = check && runCheck(check, over(flaw))

    await expect(outcome).rejects.toThrow(AssertionError)
  })

  it('notice a timer left behind', async () => {
    let leaked = 0
    const check = protocolChecks.find(({ title }) => title === 'leaves nothing open')

    const outcome = check && runCheck(check, { ...over(() => ({})), openTimers: () => leaked++ })

    await expect(outcome).rejects.toThrow('openTimers')
  })
})

function over(flaw: Break): ProtocolSetup {
  const protocol = rsocket(memoryTransport(), { window: 16, log: silentLog, closeTimeoutMs: 20 })
  return {
    protocol: overlaid(protocol, flaw(protocol)),
    anyAddress: 'memory:',
    deadAddress: 'memory:nobody',
    window: 16,
    openTimers: () => 0,
    patienceMs: 250,
  }
}

function observerOf<T>(subscriber: { next(value: T): void; error(error: unknown): void; complete(): void }): {
  next: (value: T) => void
  error: (error: unknown) => void
  complete: () => void
} {
  return {
    next: value => subscriber.next(value),
    error: error => subscriber.error(error),
    complete: () => subscriber.complete(),
  }
}
