import { json } from 'millrace/codec'
import { emptyHeader, messageOf, silentLog, type Message, type Runtime } from 'millrace/core'
import type { SingleCall } from 'millrace/protocol'
import { rsocket } from 'millrace/protocol/rsocket'
import { redeliver } from 'millrace/streams'
import { memoryTransport } from 'millrace/transport'
import { map, Observable, Subscription, tap, type Observer } from 'rxjs'
import type { HopBooks } from './hop.js'

/** Options of {@link wireHop}. */
export interface WireHopOptions {
  readonly runtime: Runtime
  /** @default 16 */
  readonly window?: number
  /** @default 0 */
  readonly latencyMs?: number
  /** Bytes under way above which pumps wait. @default 262_144 */
  readonly highWaterMarkBytes?: number
}

/** A stream that crosses from one engine to another, with its books. */
export interface WireHop<T> extends Observable<T> {
  readonly books: HopBooks
}

const call: SingleCall = {
  kind: 'serverStream',
  route: { contract: 'test', version: '1.0.0', endpoint: 'items' },
  header: emptyHeader,
  deadline: undefined,
  key: undefined,
  body: undefined,
}

/**
 * Lets `source` cross as the reply of a call: everything is the real one but the network, which is in memory. An item
 * without credit ends the stream there, so `uncredited` stays 0.
 */
export function wireHop<T>(source: Observable<T>, options: WireHopOptions): WireHop<T> {
  const { runtime, window = 16, ...network } = options
  const books: HopBooks = { taken: 0, arrived: 0, consumed: 0, failed: 0, doubled: 0, uncredited: 0, ahead: 0 }
  const counted = source.pipe(
    tap(() => {
      books.taken++
      books.ahead = Math.max(books.ahead, books.taken - books.consumed)
    }),
    map(messageOf),
  )
  const protocol = rsocket(memoryTransport({ runtime, ...network }), {
    runtime,
    window,
    codec: json(),
    log: silentLog,
    keepAliveMs: 10_000_000,
    maxLifetimeMs: 40_000_000,
  })
  const received = new Observable<T>(subscriber => {
    const lifetime = new Subscription()
    subscriber.add(lifetime) // before anything arrives that may end it
    const listening = protocol.listen('memory:', () => ({ call: () => counted }))
    lifetime.add(
      listening.subscribe(({ address }) => {
        lifetime.add(
          protocol.connect(address).subscribe(connection => {
            lifetime.add(connection.call(call).subscribe(counting(subscriber, books)))
          }),
        )
      }),
    )
  })
  return Object.assign(received, { books })
}

function counting(subscriber: Observer<never>, books: HopBooks): Observer<Message> {
  return {
    next({ body }) {
      books.arrived++
      let consumed = false
      redeliver(subscriber, body as never, error => {
        if (consumed) books.doubled++
        consumed = true
        books.consumed++
        if (error !== undefined) books.failed++
      })
    },
    error: (error: unknown) => subscriber.error(error),
    complete: () => subscriber.complete(),
  }
}
