import { firstValueFrom, timer } from 'rxjs'
import { Child } from '../support/child.js'
import { becomes } from '../support/deadline.js'
import type { NatsServer } from '../support/nats-server.js'
import { PausingProxy } from '../support/pausing-proxy.js'
import { Ledger } from './ledger.js'
import type { Outcome } from './outcome.js'
import type { PublisherParty, SubscriberParty, Told } from './party.js'

/** Time that processes have to start, all at once on a machine that has more to do, ms. */
const START_MS = 60_000
const LEAVE_MS = 60_000
/** A server writes acknowledgements down ten times a second, and later when the machine is busy, ms. */
const UNWRITTEN_MS = 500

/** Servers, the processes around them, and what these have told. */
export class Stage {
  /** The servers. */
  readonly servers: readonly NatsServer[]
  /** What has become of the messages. */
  readonly ledger: Ledger
  /** Processes that are subscribed, in the order in which they came. */
  readonly subscribers: Child[]
  /** What is worth telling. */
  readonly notes: string[]
  /** What went wrong. */
  readonly failures: string[]
  private readonly serverKills: number[]
  private readonly children: Child[]
  private readonly killed: Set<Child>
  private readonly proxies: PausingProxy[]
  private readonly beganAt: number

  constructor(servers: readonly NatsServer[]) {
    this.servers = servers
    this.ledger = new Ledger()
    this.subscribers = []
    this.notes = []
    this.failures = []
    this.serverKills = []
    this.children = []
    this.killed = new Set()
    this.proxies = []
    this.beganAt = Date.now()
  }

  /** The first of the servers. */
  get server(): NatsServer {
    const [server] = this.servers
    if (server === undefined) throw new Error('a stage has a server')
    return server
  }

  /** Where parties find the servers. */
  get addresses(): readonly string[] {
    return this.servers.map(({ address }) => address)
  }

  /** Puts something between a party and the first server that can hold back what they say; gives where to dial. */
  async proxied(): Promise<{ readonly proxy: PausingProxy; readonly addresses: readonly string[] }> {
    const proxy = new PausingProxy(this.server.port)
    this.proxies.push(proxy)
    return { proxy, addresses: [`127.0.0.1:${await proxy.listen()}`] }
  }

  /** Starts a process that publishes. */
  publish(party: PublisherParty): void {
    this.start('broker-publisher', party)
  }

  /** Starts a process that subscribes, and waits until the server knows. */
  async subscribe(party: SubscriberParty): Promise<Child> {
    const child = this.start('broker-subscriber', party)
    this.subscribers.push(child)
    await child.tells('ready', START_MS)
    return child
  }

  /** Ends a process with SIGKILL. */
  kill(child: Child): void {
    this.killed.add(child)
    child.signal('SIGKILL')
  }

  /** Ends a server with SIGKILL. */
  async killServer(server: NatsServer): Promise<void> {
    this.serverKills.push(Date.now())
    await server.kill()
  }

  /** How many messages were processed in the last moments of servers that were killed, which may not have written that down. */
  get unwritten(): number {
    const isLate = ({ at }: Told): boolean =>
      this.serverKills.some(killedAt => at > killedAt - UNWRITTEN_MS && at <= killedAt)
    return this.ledger.deliveries.filter(isLate).length
  }

  /** Waits until the ledger shows something; says so when it does not. */
  async until(what: string, shows: (ledger: Ledger) => boolean, ms = START_MS): Promise<void> {
    const is = async (): Promise<boolean> => {
      for (const child of this.children) this.ledger.read(child)
      return shows(this.ledger)
    }
    await becomes(is, ms, what).catch((error: Error) => this.failures.push(error.message))
  }

  /** Notes what is not as it should be. */
  check(is: boolean, otherwise: string): void {
    if (!is) this.failures.push(otherwise)
  }

  /** Lets everyone who lives leave. */
  async leave(): Promise<void> {
    const alive = this.children.filter(child => !this.killed.has(child))
    for (const child of alive) child.endInput()
    for (const child of alive) await child.ends(LEAVE_MS).catch((error: Error) => this.failures.push(error.message))
  }

  /** Ends everything that is left. */
  async close(): Promise<void> {
    for (const child of this.children) child.signal('SIGKILL')
    await Promise.all(this.proxies.map(proxy => proxy.close()))
    await Promise.all(this.servers.map(server => server.stop()))
  }

  /** How it went. */
  outcome(scenario: string, published: number, maxDuplicates: number): Outcome {
    const { ledger, notes, failures } = this
    const { confirmed, refused, processed, duplicates, ended, deliveries } = ledger
    for (const reason of ended) failures.push(`a subscription ended: ${reason}`)
    const seconds = Math.round(((deliveries.at(-1)?.at ?? Date.now()) - this.beganAt) / 100) / 10
    const counts = { published, confirmed: confirmed.size, refused: refused.size, received: processed.size }
    return { scenario, ...counts, duplicates, maxDuplicates, seconds, notes, failures }
  }

  private start(program: string, party: PublisherParty | SubscriberParty): Child {
    const child = new Child(`test/broker-faults/${program}.ts`, [JSON.stringify(party)])
    this.children.push(child)
    return child
  }
}

/** Waits. */
export async function passes(ms: number): Promise<void> {
  await firstValueFrom(timer(ms))
}
