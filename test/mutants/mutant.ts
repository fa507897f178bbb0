import type { ClientOptions } from 'millrace/actors'
import type { DurableLogs, LogDelivery, MessageLog } from 'millrace/broker'
import type { Interceptor, Protocol } from 'millrace/protocol'
import { rsocket } from 'millrace/protocol/rsocket'
import type { LeaseStore, Registry } from 'millrace/registry'
import { defaultSelector, type Selector } from 'millrace/selector'
import type { ProcessContext, Scenario, World } from 'millrace/testing'
import type { Transport } from 'millrace/transport'
import { map, type Observable } from 'rxjs'

/** A fault of the library, planted by decorators around what a process is given. */
export interface Mutant {
  /** What is wrong, `credit returned twice`. */
  readonly name: string
  /** Put around the transport. */
  readonly transport?: (transport: Transport) => Transport
  /** Put around the protocol. */
  readonly protocol?: (protocol: Protocol) => Protocol
  /** Put around the store that the registry is over. */
  readonly store?: (store: LeaseStore) => LeaseStore
  /** Put around the registry. */
  readonly registry?: (registry: Registry) => Registry
  /** Put around the log of messages of durable brokers. */
  readonly messages?: (log: MessageLog) => MessageLog
  /** Put around their log of dead letters. */
  readonly dead?: (log: MessageLog) => MessageLog
  /** Put around the selector of clients. */
  readonly selector?: (selector: Selector) => Selector
  /** Put around the calls of clients, innermost. */
  readonly calls?: Interceptor
}

/** The scenario with the fault in all its processes. */
export function mutated(scenario: Scenario, mutant: Mutant): Scenario {
  return world => {
    const process: World['process'] = (name, program) =>
      world.process(name, context => program(inside(context, mutant)))
    // Everything else is the world's, bound to it.
    const faulty = new Proxy(world, {
      get: (target, key) => {
        if (key === 'process') return process
        const member: unknown = Reflect.get(target, key)
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
    scenario(faulty)
  }
}

function inside(context: ProcessContext, mutant: Mutant): ProcessContext {
  const same = <T>(value: T): T => value
  const { runtime, log } = context
  const transport = (mutant.transport ?? same)(context.transport)
  const faulty = mutant.protocol ?? same
  const protocol = faulty(rsocket(transport, { runtime, log }))
  const sound =
    mutant.store === undefined ? context.registry : context.createRegistry({ store: mutant.store(context.store) })
  const registry = (mutant.registry ?? same)(sound)
  const clientOptions = (options: Partial<ClientOptions>): Partial<ClientOptions> => ({
    registry,
    ...options,
    protocol: options.protocol === undefined ? protocol : faulty(options.protocol),
    selector: (mutant.selector ?? same)(options.selector ?? defaultSelector),
    interceptors: [...(options.interceptors ?? []), ...(mutant.calls === undefined ? [] : [mutant.calls])],
  })
  const logs: DurableLogs = {
    messages: (mutant.messages ?? same)(context.logs.messages),
    dead: (mutant.dead ?? same)(context.logs.dead),
  }
  return {
    ...context,
    transport,
    protocol,
    registry,
    logs,
    createBroker: (options, over = logs) => context.createBroker(options, over),
    createService: options =>
      context.createService({
        registry,
        ...options,
        protocol: options.protocol === undefined ? protocol : faulty(options.protocol),
      }),
    createClient: (options = {}) => context.createClient(clientOptions(options)),
  }
}

/** The methods of a store as fields, some of which a mutant has otherwise. */
export function methodsOf(store: LeaseStore): LeaseStore {
  return {
    name: store.name,
    open$: store.open$,
    list: prefix => store.list(prefix),
    changes: (prefix, after) => store.changes(prefix, after),
    hold: (lease, ttlMs) => store.hold(lease, ttlMs),
    put: (record, lease) => store.put(record, lease),
    claim: (record, lease) => store.claim(record, lease),
    release: lease => store.release(lease),
  }
}

/** The methods of a log as fields, some of which a mutant has otherwise. */
export function methodsOfLog(log: MessageLog): MessageLog {
  return {
    name: log.name,
    status$: log.status$,
    open$: log.open$,
    append: record => log.append(record),
    consume: options => log.consume(options),
    read: topic => log.read(topic),
    remove: sequences => log.remove(sequences),
  }
}

/** `log` whose consumers get other deliveries. */
export function redelivering(
  log: MessageLog,
  change: (deliveries$: Observable<LogDelivery>) => Observable<LogDelivery>,
): MessageLog {
  return {
    ...methodsOfLog(log),
    consume: options =>
      log.consume(options).pipe(
        map(consumer => ({
          next: consumer.next,
          deliveries$: change(consumer.deliveries$),
          request: count => consumer.request(count),
        })),
      ),
  }
}
