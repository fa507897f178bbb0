import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { CertificateName } from './certificates.js'
import { becomes } from './deadline.js'
import { findServer, natsProgram } from './find-server.js'
import { freePorts } from './free-ports.js'
import { ServerProcess } from './server-process.js'

/** How a nats-server is started. */
export interface NatsOptions {
  /** Whether it has JetStream, or how many bytes its streams may fill on disk, `store`, and in memory. @default true */
  readonly jetStream?: boolean | { readonly storeBytes?: number; readonly memoryBytes?: number }
  /** The certificate that it shows; clients have to speak TLS then. @default none, no TLS */
  readonly certificate?: CertificateName
  /** Whether it lets only those in who show a certificate of the test authority. @default false */
  readonly asksCertificate?: boolean
  /** Who may come in, `{ user, password }`, `{ token }` or `{ users: [{ nkey }] }`. @default everyone */
  readonly authorization?: object
  /** Longest payload, bytes. @default 1_048_576 */
  readonly maxPayloadBytes?: number
  /** Further parts of its configuration file, by their names there. @default none */
  readonly config?: { readonly [name: string]: unknown }
}

/** A nats-server of its own on loopback, with its own store. */
export interface NatsServer {
  /** Where clients come in, `127.0.0.1:20000`. */
  readonly address: string
  /** The port of that. */
  readonly port: number
  /** Its name, that of the member in a cluster. */
  readonly name: string
  /** Its process. */
  readonly pid: number
  /** The last that it wrote. */
  readonly log: string
  /** What it tells of itself at a path of its monitoring port: `/varz`, `/connz?subs=1`, `/jsz?streams=1`. */
  monitor(path: string): Promise<Record<string, unknown>>
  /** Ends it with SIGKILL; what it has stored stays. */
  kill(): Promise<void>
  /** Starts it again where it was, with what it had, and waits until it takes clients. */
  restart(): Promise<void>
  /** Freezes it: connections stay, and nobody answers. */
  pause(): void
  /** Lets it go on. */
  resume(): void
  /** Ends it and takes away all that it has. */
  stop(): Promise<void>
}

/** Starts one nats-server, and waits until it takes clients. */
export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  const [port = 0, monitorPort = 0] = await freePorts(2)
  const [server] = await startAll([new Member({ name: 'single', port, monitorPort }, options)])
  if (server === undefined) throw new Error('one server was to be started')
  return server
}

/** Starts the members of one cluster, and waits until each takes clients and, with JetStream, knows the leader. */
export async function startNatsCluster(size: number, options: NatsOptions = {}): Promise<readonly NatsServer[]> {
  const ports = await freePorts(3 * size)
  const routes = Array.from({ length: size }, (_, index) => `127.0.0.1:${ports[3 * index + 2]}`)
  const members = routes.map((listen, index) => {
    const address = { name: `member-${index}`, port: ports[3 * index] ?? 0, monitorPort: ports[3 * index + 1] ?? 0 }
    const others = routes.filter(route => route !== listen).map(route => `nats-route://${route}`)
    const cluster = { name: 'millrace', listen, routes: others }
    return new Member(address, { ...options, config: { cluster, ...options.config } })
  })
  await startAll(members)
  try {
    await Promise.all(members.map(member => becomes(() => member.healthy(), 15_000, 'a leader of the cluster')))
  } catch (error) {
    await Promise.all(members.map(member => member.stop()))
    throw error
  }
  return members
}

async function startAll(members: readonly Member[]): Promise<readonly NatsServer[]> {
  try {
    await Promise.all(members.map(member => member.restart()))
  } catch (error) {
    await Promise.all(members.map(member => member.stop()))
    throw error
  }
  return members
}

interface Address {
  readonly name: string
  readonly port: number
  readonly monitorPort: number
}

class Member implements NatsServer {
  readonly name: string
  readonly port: number
  readonly address: string
  private readonly monitorUrl: string
  private readonly folder: string
  private readonly program: string
  private readonly configFile: string
  private process: ServerProcess | undefined
  private readonly removeFolder: () => void

  constructor(address: Address, options: NatsOptions) {
    this.program = findServer(natsProgram)
    this.name = address.name
    this.port = address.port
    this.address = `127.0.0.1:${address.port}`
    this.monitorUrl = `http://127.0.0.1:${address.monitorPort}`
    this.folder = mkdtempSync(join(tmpdir(), 'millrace-nats-'))
    this.configFile = join(this.folder, 'server.conf')
    writeFileSync(this.configFile, JSON.stringify(configOf(address, this.folder, options), undefined, 2))
    this.process = undefined
    this.removeFolder = () => rmSync(this.folder, { recursive: true, force: true })
    process.once('exit', this.removeFolder)
  }

  get pid(): number {
    return this.process?.pid ?? 0
  }

  get log(): string {
    return this.process?.log ?? ''
  }

  async monitor(path: string): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.monitorUrl}${path}`)
    return (await response.json()) as Record<string, unknown>
  }

  /** Whether it says that it can do all that it is for. */
  async healthy(): Promise<boolean> {
    try {
      return (await this.monitor('/healthz'))['status'] === 'ok'
    } catch {
      return false // it does not listen yet
    }
  }

  async kill(): Promise<void> {
    await this.process?.kill()
  }

  async restart(): Promise<void> {
    await this.kill()
    const started = new ServerProcess(this.program, ['-c', this.configFile])
    this.process = started
    try {
      await becomes(async () => !started.alive || (await greets(this.port)), 15_000, 'the greeting of nats-server')
      if (!started.alive) throw new Error('nats-server ended as soon as it was started')
    } catch (error) {
      await started.kill()
      throw new Error(`${String(error)}: ${started.log}`, { cause: error })
    }
  }

  pause(): void {
    this.process?.signal('SIGSTOP')
  }

  resume(): void {
    this.process?.signal('SIGCONT')
  }

  async stop(): Promise<void> {
    await this.kill()
    this.removeFolder()
    process.off('exit', this.removeFolder)
  }
}

function configOf({ name, port, monitorPort }: Address, folder: string, options: NatsOptions): object {
  const { jetStream = true, certificate, asksCertificate = false, authorization, maxPayloadBytes, config } = options
  const limits = typeof jetStream === 'object' ? jetStream : {}
  return {
    server_name: name,
    listen: `127.0.0.1:${port}`,
    http: `127.0.0.1:${monitorPort}`,
    // Specs see what clients do, not what the server says of them.
    logtime: false,
    ...(jetStream !== false && {
      jetstream: {
        store_dir: join(folder, 'store'),
        ...(limits.storeBytes !== undefined && { max_file_store: limits.storeBytes }),
        ...(limits.memoryBytes !== undefined && { max_memory_store: limits.memoryBytes }),
      },
    }),
    ...(certificate !== undefined && { tls: tlsOf(certificate, asksCertificate) }),
    ...(authorization !== undefined && { authorization }),
    ...(maxPayloadBytes !== undefined && { max_payload: maxPayloadBytes }),
    ...config,
  }
}

function tlsOf(certificate: CertificateName, asksCertificate: boolean): object {
  const path = (name: CertificateName): string => resolve('test/support/certificates', `${name}.pem`)
  return {
    cert_file: path(certificate),
    key_file: path(certificate),
    ...(asksCertificate && { ca_file: path('authority'), verify: true }),
  }
}

/** Whether a server on the port says INFO, which it does to everyone, before TLS. */
function greets(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('data', chunk => {
      resolve(chunk.toString().startsWith('INFO '))
      socket.destroy()
    })
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
  })
}
