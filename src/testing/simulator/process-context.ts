import { createClient, createService, type RunOptions } from '../../actors/index.js'
import { durableBroker, nativeEnvelope, type Broker, type DurableLogs } from '../../broker/index.js'
import { json } from '../../codec/index.js'
import type { Log } from '../../core/index.js'
import { rsocket } from '../../protocol/rsocket/index.js'
import type { Transport } from '../../transport/index.js'
import type { CallObserver } from './call-observer.js'
import type { Life } from './life.js'
import type { ReachedRegistry } from './simulated-registry.js'
import type { ProcessContext } from './world.js'

/** The world as one life of a process reaches it. */
export interface Surroundings extends ReachedRegistry {
  /** The network. */
  readonly transport: Transport
  /** The broker. */
  readonly broker: Broker
  /** The logs of a durable broker. */
  readonly logs: DurableLogs
  /** Makes a durable broker seen by invariants. */
  readonly seen: (broker: Broker) => Broker
  /** Sees the calls. */
  readonly observer: CallObserver
  /** Takes what the library logs. */
  readonly log: Log
  /** Writes a line of the process into the event log. */
  readonly note: (text: string) => void
}

/** Short, so that what a process had in hand when it died comes again within a run. */
const ACK_WAIT_MS = 10_000

/** Everything that a life of a process has to do with. */
export function processContext(life: Life, surroundings: Surroundings): ProcessContext {
  const { transport, store, createRegistry, broker, logs, seen, observer, log, note } = surroundings
  const { runtime } = life
  const given = { protocol: rsocket(transport, { runtime, log }), registry: createRegistry(), runtime, log }
  return {
    ...given,
    name: life.process,
    life: life.life,
    transport,
    store,
    createRegistry,
    broker,
    logs,
    createBroker: (options, over = logs) =>
      seen(durableBroker(over, { envelope: nativeEnvelope(json()), ackWaitMs: ACK_WAIT_MS, runtime, log, ...options })),
    stop$: life.stop$.asObservable(),
    createService: options => {
      const interceptors = [observer.handlers(life), ...(options.interceptors ?? [])]
      const service = createService({ ...given, broker, signals: [], ...options, interceptors })
      return { run: (run?: RunOptions) => service.run({ stop: life.stop$, ...run }) }
    },
    createClient: options =>
      createClient({
        ...given,
        ...options,
        interceptors: [observer.callers(life), ...(options?.interceptors ?? [])],
      }),
    note,
  }
}
