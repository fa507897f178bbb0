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
  const resolved = resolveMemoryTransportOptions(options)
  return networkOf(resolved).host({ name: '', runtime: resolved.runtime })
}

/** A machine on a {@link MemoryNetwork}. */
export interface MemoryHost {
  /** Begins the addresses that are chosen for it: `memory:name:1` where it listens, `memory:name~2` where it dials. */
  readonly name: string
  /** Where its time and turns come from: whatever reaches it, reaches it in a task of this runtime. */
  readonly runtime: Runtime
}

/** A network inside one process whose ends have names, and clocks of their own. */
export interface MemoryNetwork {
  /** The transport of one machine, {@link memoryTransport}'s but for its addresses and its runtime. */
  host(host: MemoryHost): Transport
}

/**
 * A memory network of several machines, each with a runtime of its own: what a simulator needs to slow one down, set its
 * clock wrong, or stop it. Throws INVALID_ARGUMENT (reason `invalid_options`).
 */
export function memoryNetwork(options?: Omit<MemoryTransportOptions, 'runtime'>): MemoryNetwork {
  return networkOf(resolveMemoryTransportOptions(options))
}

function networkOf(options: ResolvedOptions): MemoryNetwork {
  const net: Net = { options, listeners: new Map(), chosenNames: 0, dials: 0 }
  return { host: host => new MemoryTransport(net, host) }
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

/** What all machines of a network share. */
interface Net {
  readonly options: ResolvedOptions
  readonly listeners: Map<string, Listening>
  chosenNames: number
  dials: number
}

interface Listening {
  readonly sockets: Subject<Socket>
  readonly runtime: Runtime
}

class MemoryTransport implements Transport {
  readonly name = 'memory'
  private readonly net: Net
  private readonly host: MemoryHost

  constructor(net: Net, host: MemoryHost) {
    this.net = net
    this.host = host
  }

  dial(address: string): Observable<Socket> {
    return new Observable(subscriber => {
      if (nameIn(address) === '') throw invalidAddress(address, `${PREFIX}name`)
      this.open(address, subscriber)
    })
  }

  listen(address: string): Observable<Listener> {
    return new Observable(subscriber => {
      const { listeners } = this.net
      const { runtime } = this.host
      const chosen = address === CHOOSE || nameIn(address) === '' ? this.chooseAddress() : address
      if (listeners.has(chosen)) throw listenFailed(chosen, 'somebody listens there already')
      const sockets = new Subject<Socket>()
      listeners.set(chosen, { sockets, runtime })
      subscriber.add(() => {
        listeners.delete(chosen)
        sockets.complete()
      })
      subscriber.add(later(runtime, 0, () => subscriber.next({ address: chosen, sockets: sockets.asObservable() })))
    })
  }

  /** The question takes one latency to the listener, its answer another; both wait while the link is frozen. */
  private open(address: string, subscriber: Subscriber<Socket>): void {
    const { options, listeners } = this.net
    const { latencyMs, connectTimeoutMs } = options
    const { runtime, name } = this.host
    const index = this.net.dials++
    const from = `${PREFIX}${name}~${index}`
    const connection = new MemoryConnection({ index, from, to: address }, runtime, options)
    const { dialer } = connection
    const refuse = (why: string): void => subscriber.error(connectFailed(address, why))
    const afterTrip = (to: Runtime, delayMs: number, task: () => void): void => {
      const passable = connection.state.pipe(
        filter(state => state !== 'frozen'),
        take(1),
      )
      const arrival = later(to, delayMs, () => {
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
      if (!answered) connection.abandon()
    })
    const accept = (listening: Listening): void => {
      if (listeners.get(address) !== listening) {
        afterTrip(runtime, 0, () => refuse('nobody listens there any more'))
        return
      }
      answered = true
      const accepted = connection.accept(listening.runtime)
      if (listening.sockets.observed) listening.sockets.next(accepted)
      else accepted.abort()
      afterTrip(runtime, latencyMs, () => {
        timeout.unsubscribe()
        dialer.onEnd(error => (error === undefined ? subscriber.complete() : subscriber.error(error)))
        subscriber.next(dialer)
      })
    }
    afterTrip(runtime, latencyMs, () => {
      const listening = listeners.get(address)
      if (listening === undefined) return refuse('nobody listens there')
      // What happens at the listener's end is a task of its runtime.
      if (listening.runtime === runtime) accept(listening)
      else afterTrip(listening.runtime, 0, () => accept(listening))
    })
  }

  private chooseAddress(): string {
    const { name } = this.host
    for (;;) {
      const address = `${PREFIX}${name === '' ? '' : `${name}:`}${++this.net.chosenNames}`
      if (!this.net.listeners.has(address)) return address
    }
  }
}

function nameIn(address: string): string {
  if (!address.startsWith(PREFIX)) throw invalidAddress(address, `${PREFIX}name`)
  return address.slice(PREFIX.length)
}
