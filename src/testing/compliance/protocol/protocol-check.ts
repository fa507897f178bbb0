import assert from 'node:assert/strict'
import { Subscription } from 'rxjs'
import type { Binding, Connection, Peer, Protocol } from '../../../protocol/index.js'
import { PATIENCE_MS, type Check, type CheckSetup } from '../check.js'
import { record, type Recording } from '../recording.js'
import { eventually } from '../waiting.js'
import { answering, type Handlers } from './calling.js'

/** A protocol to be tried, made anew for each check. */
export interface ProtocolSetup extends CheckSetup {
  /** What is tried; it connects to itself. */
  readonly protocol: Protocol
  /** An address at which `listen` chooses by itself. */
  readonly anyAddress: string
  /** A valid address where nobody listens. */
  readonly deadAddress: string
  /** Most items of one stream that may be on their way. */
  readonly window: number
  /** How many timers of the protocol are open. */
  readonly openTimers: () => number
}

/** What a protocol may lack: `serverCalls`, that a server calls its client. */
export type ProtocolCapability = 'serverCalls'

/** One fact about every protocol. */
export type ProtocolCheck = Check<ProtocolSetup, ProtocolCapability>

/** A protocol at work. */
export interface ProtocolBench extends ProtocolSetup {
  /** Listens, and answers with handlers by endpoint or with the peer of a connection. */
  readonly listen: (answer: Answer) => Promise<Listening>
  /** Connects. */
  readonly connect: (address: string, serve?: Peer) => Promise<Connected>
  /** Listens and connects. */
  readonly connected: (answer: Answer, serve?: Peer) => Promise<Listening & Connected>
  /** Waits until `condition` holds. */
  readonly until: (condition: () => boolean) => Promise<void>
}

/** How calls are answered. */
export type Answer = Handlers | ((remote: Connection) => Peer)

/** A protocol that listens. */
export interface Listening {
  /** Where. */
  readonly binding: Binding
  /** Unsubscribing aborts it. */
  readonly listening: Subscription
}

/** A protocol that has connected. */
export interface Connected {
  /** To whom. */
  readonly connection: Connection
  /** Unsubscribing drops the connection. */
  readonly lifetime: Recording<Connection>
}

/** A check over a protocol at work; what it has opened is ended afterwards. */
export function overProtocol(
  title: string,
  run: (bench: ProtocolBench) => Promise<void>,
  needs?: ProtocolCapability,
): ProtocolCheck {
  return {
    title,
    ...(needs && { needs }),
    run: async setup => {
      const opened = new Subscription()
      try {
        await run(benchOf(setup, opened))
      } finally {
        opened.unsubscribe()
      }
    },
  }
}

function benchOf(setup: ProtocolSetup, opened: Subscription): ProtocolBench {
  const { protocol, anyAddress, patienceMs = PATIENCE_MS } = setup
  const until = (condition: () => boolean): Promise<void> => eventually(condition, patienceMs, String(condition))
  const only = async <T>({ values, subscription }: Recording<T>): Promise<T> => {
    opened.add(subscription)
    await eventually(() => values.length > 0, patienceMs, 'a binding or connection')
    const [value] = values
    assert.ok(value)
    return value
  }
  const listen: ProtocolBench['listen'] = async answer => {
    const serve = typeof answer === 'function' ? answer : (): Peer => answering(answer)
    const bindings = record(protocol.listen(anyAddress, serve))
    return { binding: await only(bindings), listening: bindings.subscription }
  }
  const connect: ProtocolBench['connect'] = async (address, serve) => {
    const lifetime = record(protocol.connect(address, serve === undefined ? {} : { serve }))
    return { connection: await only(lifetime), lifetime }
  }
  return {
    ...setup,
    until,
    listen,
    connect,
    connected: async (answer, serve) => {
      const listening = await listen(answer)
      return { ...listening, ...(await connect(listening.binding.address, serve)) }
    },
  }
}
