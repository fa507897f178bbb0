import { createServer, createStub, type Stub } from 'millrace/actors'
import { json } from 'millrace/codec'
import { silentLog, type RpcError } from 'millrace/core'
import type { Binding, Connection, ConnectOptions, Peer } from 'millrace/protocol'
import { compositeMetadata, rsocket, type RSocketOptions } from 'millrace/protocol/rsocket'
import { firstValueFrom, ReplaySubject, type Subscription } from 'rxjs'
import { addressOf, portOf, transportOf } from './carriers.js'
import { Interop } from './contract.js'
import { interopActor, type Seen } from './interop-actor.js'
import type { JavaCall } from './java-call.js'
import type { CallKind, Parameters } from './java-peer.js'
import type { Bench } from './row.js'

/** How requests name their endpoint. */
export type Dialect = 'composite' | 'compact'

/** The MIME type of a dialect. */
export const metadataTypes: { readonly [D in Dialect]: string } = {
  composite: 'message/x.rsocket.composite-metadata.v0',
  compact: 'application/vnd.millrace.metadata.v1',
}

const DEFAULT: Dialect = 'composite'

/** A millrace server, and a Java client that is connected to it. */
export interface JavaClient {
  /** Id of the connection, for calls. */
  readonly on: string
  /** Makes a call over it. */
  readonly call: (kind: CallKind, parameters: Parameters) => JavaCall
  /** The millrace server. */
  readonly binding: Binding
  /** Its port. */
  readonly port: number
  /** What the server has been asked. */
  readonly seen: Seen
  /** The server's end of each connection. */
  readonly connections: ReplaySubject<Connection>
}

/** A millrace server. */
export type MillraceServer = Omit<JavaClient, 'on' | 'call'>

/** How the two sides of a bench are set up. */
export interface SetUp {
  /** @default 'composite' */
  readonly dialect?: Dialect
  readonly millrace?: RSocketOptions
  readonly java?: Parameters
  /** Why a millrace server refuses a client, if it does. */
  readonly refuse?: () => RpcError
}

/** Starts a millrace server. */
export async function serveMillrace(
  bench: Bench,
  options: RSocketOptions = {},
  refuse?: () => RpcError,
): Promise<MillraceServer> {
  const { actor, seen } = interopActor()
  const connections = new ReplaySubject<Connection>()
  const server = createServer({ actors: [actor], log: silentLog })
  const binding = await listen(bench, options, connection => {
    if (refuse !== undefined) throw refuse()
    connections.next(connection)
    return server
  })
  return { binding, port: portOf(binding.address), seen, connections }
}

/** Listens with millrace. */
export async function listen(
  { carrier, cleanup }: Bench,
  options: RSocketOptions,
  serve: (connection: Connection) => Peer,
): Promise<Binding> {
  const bound = new ReplaySubject<Binding>()
  const protocol = rsocket(transportOf(carrier), { codec: json(), log: silentLog, ...options })
  cleanup.add(protocol.listen(addressOf(carrier, 0), serve).subscribe(bound))
  return await firstValueFrom(bound)
}

/** Starts a millrace server, and a Java client that connects to it. */
export async function javaClient(bench: Bench, { dialect, millrace, java, refuse }: SetUp = {}): Promise<JavaClient> {
  const server = await serveMillrace(bench, millrace, refuse)
  const on = await connectJava(bench, server.port, java, dialect)
  return { ...server, on, call: (kind, parameters) => bench.java.call(on, kind, parameters) }
}

/** Connects a Java client to a port, and gives the id of the connection. */
export async function connectJava(
  { java, carrier, cleanup }: Bench,
  port: number,
  parameters: Parameters = {},
  dialect: Dialect = DEFAULT,
): Promise<string> {
  const on = java.newId('client')
  java.say('connect', on, { transport: carrier, port, metadataType: metadataTypes[dialect], ...parameters })
  cleanup.add(() => java.say('close', on))
  await java.until(on, 'connected')
  return on
}

/** A Java server, and a millrace client that is connected to it. */
export interface JavaServer {
  /** Id of the server: what it is asked is told under it, and it calls its client by it. */
  readonly server: string
  /** The connection of the millrace client. */
  readonly connection: Connection
  /** Closes the connection. */
  readonly subscription: Subscription
  /** Calls the server. */
  readonly stub: Stub<typeof Interop.endpoints>
}

/** Starts a Java server, and gives its id and port. */
export async function serveJava(
  { java, carrier, cleanup }: Bench,
  parameters: Parameters = {},
): Promise<{ readonly server: string; readonly port: number }> {
  const server = java.newId('server')
  java.say('serve', server, { transport: carrier, ...parameters })
  cleanup.add(() => java.say('close', server))
  const ready = await java.until(server, 'ready')
  return { server, port: Number(ready['port']) }
}

/** Starts a Java server, and a millrace client that connects to it. */
export async function javaServer(bench: Bench, { dialect, millrace, java }: SetUp = {}): Promise<JavaServer> {
  const { server, port } = await serveJava(bench, java)
  return { server, ...(await connectMillrace(bench, port, { dialect, ...millrace })) }
}

/** Connects a millrace client to a port. */
export async function connectMillrace(
  { carrier, cleanup }: Bench,
  port: number,
  { dialect = DEFAULT, ...options }: RSocketOptions & { readonly dialect?: Dialect | undefined } = {},
  connectOptions: ConnectOptions = {},
): Promise<Omit<JavaServer, 'server'>> {
  const connected = new ReplaySubject<Connection>()
  const metadata = dialect === 'composite' ? { metadata: compositeMetadata() } : {}
  const protocol = rsocket(transportOf(carrier), { codec: json(), log: silentLog, ...metadata, ...options })
  const subscription = protocol.connect(addressOf(carrier, port), connectOptions).subscribe(connected)
  cleanup.add(subscription)
  const connection = await firstValueFrom(connected)
  return { connection, subscription, stub: createStub(Interop, connection, { log: silentLog }) }
}
