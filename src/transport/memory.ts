import { filter, Observable, Subject, take, type Subscriber } from 'rxjs'
import {
  fn,
  having,
  integer,
  MAX_TIMER_MS,
  number,
  optional,
  resolveOptions,
  systemRuntime,
  type Runtime,
} from '../core/index.js'
import { MemoryConnection, type MemoryConnectionOptions } from './memory-connection.js'
import type { MemoryFaults } from './memory-faults.js'
import { later } from './later.js'
import { connectFailed, invalidAddress, listenFailed } from './transport-errors.js'
import type { Listener, Socket, Transport } from './transport.js'

/** What {@link memoryTransport} is made of. */
export interface MemoryTransportOptions {
  /** Where time and turns come from; a seeded one on a virtual scheduler makes the network repeatable. @default systemRuntime() */
  readonly runtime?: Runtime
  /** Time that a frame, a dial's question and its answer each take from one end to the other, in ms. @default 0 */
  readonly latencyMs?: number
  /** Longest wait for a connection to open, in ms. @default 5000 */
  readonly connectTimeoutMs?: number
  /** Longest frame, in bytes; a longer one is refused with RESOURCE_EXHAUSTED (`frame_too_large`). @default 16_777_215 */
  readonly maxFrameBytes?: number
  /** Bytes under way in one direction of a link above which `send` gives false. @default 262_144 */
  readonly highWaterMarkBytes?: number
  /** What goes wrong in the network. @default nothing */
  readonly faults?: MemoryFaults
}

/**
 * A network inside one process: whoever shares the value can dial whoever listens on it, at addresses `memory:name`;
 * `memory:` alone, and `:0`, listen at a name that the network chooses.
 *
 * It behaves as a real network does: nothing arrives within `send`, frames wait until they are read, latency and faults
 * are part of it. Everything goes through the runtime, so on a virtual scheduler a cluster runs in virtual time.
 *
 * Throws INVALID_ARGUMENT (reason `invalid_options`).
 */
export function memoryTransport(options?: MemoryTransportOptions): Transport {
  return new MemoryNetwork(resolveMemoryTransportOptions(options))
}

type ResolvedOptions = Required<MemoryTransportOptions> & MemoryConnectionOptions

const MAX_FRAME_BYTES = 0xff_ffff
const PREFIX = 'memory:'
/** What leaves the choice of an address to any transport. */
const CHOOSE = ':0'

function resolveMemoryTransportOptions(options: MemoryTransportOptions | undefined): ResolvedOptions {
  const faults = resolveOptions<MemoryFaults>(
    'faults of memoryTransport',
    {
      link: optional(fn<NonNullable<MemoryFaults['link']>>()),
      frame: optional(fn<NonNullable<MemoryFaults['frame']>>()),
    },
    options?.faults,
  )
  return resolveOptions<ResolvedOptions>(
    'memoryTransport',
    {
      runtime: optional(having<Runtime>('scheduler', 'macrotask'), systemRuntime()),
      latencyMs: optional(number({ min: 0, max: MAX_TIMER_MS }), 0),
      connectTimeoutMs: optional(number({ min: 0, max: MAX_TIMER_MS }), 5000),
      maxFrameBytes: optional(integer({ min: 1, max: MAX_FRAME_BYTES }), MAX_FRAME_BYTES),
      highWaterMarkBytes: optional(integer({ min: 1 }), 262_144),
      faults: optional(having<MemoryFaults>(), faults),
    },
    options,
  )
}

class MemoryNetwork implements Transport {
  readonly name = 'memory'
  private readonly options: ResolvedOptions
  private readonly listeners: Map<string, Subject<Socket>>
  private chosenNames: number
  private dials: number

  constructor(options: ResolvedOptions) {
    this.options = options
    this.listeners = new Map()
    this.chosenNames = 0
    this.dials = 0
  }

  dial(address: string): Observable<Socket> {
    return new Observable(subscriber => {
      if (nameIn(address) === '') throw invalidAddress(address, `${PREFIX}name`)
      this.open(address, subscriber)
    })
  }

  listen(address: string): Observable<Listener> {
    return new Observable(subscriber => {
      const chosen = address === CHOOSE || nameIn(address) === '' ? this.chooseAddress() : address
      if (this.listeners.has(chosen)) throw listenFailed(chosen, 'somebody listens there already')
      const sockets = new Subject<Socket>()
      this.listeners.set(chosen, sockets)
      subscriber.add(() => {
        this.listeners.delete(chosen)
        sockets.complete()
      })
      subscriber.add(
        later(this.options.runtime, 0, () => subscriber.next({ address: chosen, sockets: sockets.asObservable() })),
      )
    })
  }

  /** The question takes one latency to the listener, its answer another; both wait while the link is frozen. */
  private open(address: string, subscriber: Subscriber<Socket>): void {
    const { runtime, latencyMs, connectTimeoutMs } = this.options
    const index = this.dials++
    const connection = new MemoryConnection({ index, from: `${PREFIX}~${index}`, to: address }, this.options)
    const { dialer } = connection
    const refuse = (why: string): void => subscriber.error(connectFailed(address, why))
    const afterTrip = (task: () => void): void => {
      const passable = connection.state.pipe(
        filter(state => state !== 'frozen'),
        take(1),
      )
      const arrival = later(runtime, latencyMs, () => {
        subscriber.add(passable.subscribe(state => (state === 'up' ? task() : refuse('the link broke'))))
      })
      subscriber.add(arrival)
    }
    const timeout = runtime.scheduler.schedule(
      () => refuse(`no answer within ${connectTimeoutMs} ms`),
      connectTimeoutMs,
    )
    subscriber.add(timeout)
    let answered = false
    subscriber.add(() => {
      dialer.abort()
      if (!answered) connection.accepted.abort()
    })
    afterTrip(() => {
      const sockets = this.listeners.get(address)
      if (sockets === undefined) return refuse('nobody listens there')
      answered = true
      if (sockets.observed) sockets.next(connection.accepted)
      else connection.accepted.abort()
      afterTrip(() => {
        timeout.unsubscribe()
        dialer.onEnd(error => (error === undefined ? subscriber.complete() : subscriber.error(error)))
        subscriber.next(dialer)
      })
    })
  }

  private chooseAddress(): string {
    for (;;) {
      const address = `${PREFIX}${++this.chosenNames}`
      if (!this.listeners.has(address)) return address
    }
  }
}

function nameIn(address: string): string {
  if (!address.startsWith(PREFIX)) throw invalidAddress(address, `${PREFIX}name`)
  return address.slice(PREFIX.length)
}
