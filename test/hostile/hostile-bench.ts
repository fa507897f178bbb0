import { json } from 'millrace/codec'
import { messageOf, type LogEvent } from 'millrace/core'
import type { Binding, Connection } from 'millrace/protocol'
import { rsocket, type RSocketOptions } from 'millrace/protocol/rsocket'
import { tcp, type TcpOptions } from 'millrace/transport/tcp'
import { firstValueFrom, map, of, Subscription } from 'rxjs'
import { answering, single, type Handlers } from '../support/virtual-wire.js'

/** A server over TCP, and a well-behaved client of it. */
export class HostileBench {
  /** What the server has logged. */
  readonly log: LogEvent[]
  /** The server's ends of the connections. */
  readonly accepted: Connection[]
  readonly address: string
  private readonly client: Connection
  private readonly subscription: Subscription

  private constructor(
    binding: Binding,
    client: Connection,
    parts: Pick<HostileBench, 'log' | 'accepted'>,
    all: Subscription,
  ) {
    this.log = parts.log
    this.accepted = parts.accepted
    this.address = binding.address
    this.client = client
    this.subscription = all
  }

  /** Starts both. */
  static async start(
    handlers: Handlers,
    options: RSocketOptions = {},
    network: TcpOptions = {},
  ): Promise<HostileBench> {
    const log: LogEvent[] = []
    const accepted: Connection[] = []
    const subscription = new Subscription()
    const serving = rsocket(tcp(network), { codec: json(), log: event => log.push(event), ...options })
    const echo: Handlers = { echo: ({ body }: { body: unknown }) => of(messageOf(body)) }
    const binding = await new Promise<Binding>(resolve => {
      const listening = serving.listen(
        '127.0.0.1:0',
        remote => (accepted.push(remote), answering({ ...echo, ...handlers })),
      )
      subscription.add(listening.subscribe(resolve))
    })
    const calling = rsocket(tcp(), { codec: json(), log: event => log.push(event) })
    const client = await new Promise<Connection>(resolve => {
      subscription.add(calling.connect(binding.address).subscribe(resolve))
    })
    return new HostileBench(binding, client, { log, accepted }, subscription)
  }

  /** Calls the server as its well-behaved client. */
  echo(word: string): Promise<unknown> {
    return firstValueFrom(this.client.call(single('unary', 'echo', word)).pipe(map(({ body }) => body)))
  }

  /** Reasons of the connections that the server ended, in order. */
  get reasons(): unknown[] {
    return this.log.filter(({ event }) => event.startsWith('connection.')).map(({ fields }) => fields?.['reason'])
  }

  /** Ends both. */
  end(): void {
    this.subscription.unsubscribe()
  }
}
