import type { Msg, MsgHdrs, NatsConnection as Client, PublishOptions } from 'nats'
import { from, interval, merge, Subject, take, throwError, timer, type Observable, type Subscription } from 'rxjs'
import { RingBuffer, type RpcError, type Runtime } from '../../core/index.js'
import { connectionLost } from '../transport-errors.js'
import { HeaderWriter } from './header-writer.js'
import { endOf, messageTooLarge, permissionDenied } from './nats-errors.js'
import type { NatsLink, NatsMessage, NatsPublishOptions, NatsSubscribeOptions } from './nats-link.js'
import { ReceivedMessage } from './received-message.js'

/** How long what was published may take to leave when a link is closed, ms. */
const FLUSH_MS = 1000
/** Most subjects of which a link remembers that they are refused. */
const MAX_REFUSED = 1024

type Done = (error?: RpcError) => void

/** Who waits for one PONG: callbacks, and beside each the subject it is about. */
interface Confirmations {
  readonly done: Done[]
  readonly subjects: (string | undefined)[]
}

/** What a {@link ClientLink} is bound by. */
export interface ClientLinkOptions {
  /** {@link NatsOptions.pingIntervalMs}. */
  readonly pingIntervalMs: number
  /** Timers, turns and ids. */
  readonly runtime: Runtime
}

/** A link over a connection of the client library, which does not connect again by itself. */
export class ClientLink implements NatsLink {
  readonly server: string
  readonly maxPayloadBytes: number
  readonly version: string
  readonly hasJetStream: boolean
  readonly lost$: Observable<never>
  private readonly client: Client
  private readonly runtime: Runtime
  private readonly loss: Subject<never>
  private readonly pings: Subscription
  /** Why it has ended. */
  private error: RpcError | undefined
  /** Those of this turn, whose PING has not been sent. */
  private gathering: Confirmations | undefined
  /** Those whose PONG has not come, the oldest first. */
  private readonly unconfirmed: RingBuffer<Confirmations>
  /** Subjects that the server has refused to take messages to. */
  private readonly refused: Set<string>
  private readonly headers: HeaderWriter

  constructor(client: Client, server: string, options: ClientLinkOptions) {
    const { max_payload, version, jetstream } = client.info ?? {}
    this.server = server
    this.maxPayloadBytes = max_payload ?? 0
    this.version = version ?? ''
    this.hasJetStream = jetstream === true
    this.loss = new Subject()
    this.lost$ = this.loss.asObservable()
    this.client = client
    this.runtime = options.runtime
    this.error = undefined
    this.gathering = undefined
    this.unconfirmed = new RingBuffer()
    this.refused = new Set()
    this.headers = new HeaderWriter()
    this.pings = this.ping(options.pingIntervalMs)
    void client.closed().then(why => this.end(connectionLost(server, endOf(why), why ?? undefined)))
    this.watchRefusals()
  }

  /** Servers of the cluster, as this one has told. */
  get cluster(): readonly string[] {
    return this.client.info?.connect_urls ?? []
  }

  publish(subject: string, payload: Uint8Array, options?: NatsPublishOptions): void {
    if (this.error !== undefined) throw this.error
    const block = options?.headers && this.headers.write(options.headers)
    const bytes = payload.length + (block?.length ?? 0)
    if (bytes > this.maxPayloadBytes) throw messageTooLarge(subject, bytes, this.maxPayloadBytes)
    if (this.client.isClosed()) throw connectionLost(this.server, 'it is closed')
    this.client.publish(subject, payload, new ClientPublishOptions(options?.reply ?? '', block))
  }

  confirm(done: Done, subject?: string): void {
    const { error } = this
    if (error !== undefined) {
      this.runtime.microtask(() => done(error))
      return
    }
    if (this.gathering === undefined) {
      this.gathering = { done: [], subjects: [] }
      this.runtime.microtask(() => this.flush())
    }
    this.gathering.done.push(done)
    this.gathering.subjects.push(subject)
  }

  subscribe(
    subject: string,
    onMessage: (message: NatsMessage) => void,
    { queue, drain = false, onRefused }: NatsSubscribeOptions = {},
  ): () => void {
    if (this.error !== undefined || this.client.isClosed()) return () => {}
    const callback = (refusal: Error | null, message: Msg): void => {
      if (refusal !== null) {
        onRefused?.(permissionDenied('subscribe to', subject, this.server))
        return
      }
      try {
        onMessage(new ReceivedMessage(message))
      } catch (thrown) {
        // Out of here it would end the client's reading. RxJS reports what nobody handles.
        throwError(() => thrown).subscribe()
      }
    }
    const subscription = this.client.subscribe(subject, { callback, ...(queue !== undefined && { queue }) })
    return () => {
      if (!drain) subscription.unsubscribe()
      else if (!this.client.isClosed()) void subscription.drain()
    }
  }

  inbox(): string {
    return `_INBOX.${this.runtime.id()}`
  }

  /** Ends it as soon as the server has what was published, or has been silent for a second. */
  close(): void {
    if (this.error !== undefined || this.client.isClosed()) return
    merge(from(this.client.flush()), timer(FLUSH_MS, this.runtime.scheduler))
      .pipe(take(1))
      .subscribe(() => this.destroy('it was not used any more'))
  }

  private destroy(why: string): void {
    this.end(connectionLost(this.server, why))
    // Without an error the client drops its socket at once, whatever waits to be written.
    void this.client.close()
  }

  private end(error: RpcError): void {
    if (this.error !== undefined) return
    this.error = error
    this.pings.unsubscribe()
    for (let group = this.unconfirmed.shift(); group !== undefined; group = this.unconfirmed.shift()) fail(group, error)
    if (this.gathering !== undefined) fail(this.gathering, error)
    this.gathering = undefined
    this.loss.error(error)
  }

  private flush(): void {
    const group = this.gathering
    this.gathering = undefined
    if (group === undefined) return
    this.unconfirmed.push(group)
    // What the server refused comes before its PONG, and is told a few micro-tasks after it.
    this.whenAnswered(() => this.runtime.microtask(() => this.confirmed()))
  }

  /** Sends a PING; a client that has closed refuses to, and has told why, or is about to. */
  private whenAnswered(task: () => void): void {
    if (!this.client.isClosed()) from(this.client.flush()).subscribe(task)
  }

  /** A PONG has come: PONGs come in the order of PINGs. */
  private confirmed(): void {
    const group = this.unconfirmed.shift()
    if (group === undefined) return
    const { done, subjects } = group
    for (let index = 0; index < done.length; index++) {
      const subject = subjects[index]
      const refused = subject !== undefined && this.refused.size > 0 && this.refused.has(subject)
      done[index]?.(refused ? permissionDenied('publish to', subject, this.server) : undefined)
    }
  }

  private watchRefusals(): void {
    from(this.client.status()).subscribe(({ permissionContext }) => {
      if (permissionContext?.operation !== 'publish') return
      if (this.refused.size < MAX_REFUSED) this.refused.add(permissionContext.subject)
    })
  }

  /** The client's own pings do not end a connection while something waits to be written. */
  private ping(everyMs: number): Subscription {
    const { client, runtime } = this
    let answered = true
    let received = 0
    const silent = (): boolean => !answered && client.stats().inMsgs === received
    return interval(everyMs, runtime.scheduler).subscribe(() => {
      if (answered) {
        answered = false
        this.whenAnswered(() => (answered = true))
      } else if (silent()) {
        // This process may be what was late: then the answer is there to be read.
        runtime.macrotask(() => {
          if (silent()) this.destroy(`no answer to a ping within ${everyMs} ms`)
        })
      }
      received = client.stats().inMsgs
    })
  }
}

function fail({ done }: Confirmations, error: RpcError): void {
  for (const each of done) each(error)
}

/** What the client is told beside a payload; one shape for all, for it looks at each several times. */
class ClientPublishOptions implements PublishOptions {
  reply: string
  readonly headers: MsgHdrs

  constructor(reply: string, block: Uint8Array | undefined) {
    this.reply = reply
    // The client asks headers for nothing but their bytes; its own are made one by one, at several times the cost.
    this.headers = (block && new EncodedHeaders(block)) as unknown as MsgHdrs
  }
}

class EncodedHeaders {
  private readonly block: Uint8Array

  constructor(block: Uint8Array) {
    this.block = block
  }

  encode(): Uint8Array {
    return this.block
  }
}
