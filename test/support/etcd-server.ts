import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { CertificateName } from './certificates.js'
import { becomes } from './deadline.js'
import { EtcdKeys } from './etcd-keys.js'
import { etcdProgram, findServer } from './find-server.js'
import { freePorts } from './free-ports.js'
import { ServerProcess } from './server-process.js'

/** How an etcd is started. */
export interface EtcdOptions {
  /** The certificate that it shows; it speaks TLS then. By default it does not. */
  readonly certificate?: CertificateName
  /** Whether it lets only those in who show a certificate of the test authority. */
  readonly asksCertificate?: boolean
  /** Further arguments, `--max-request-bytes=20000000`. */
  readonly args?: readonly string[]
}

/** An etcd of its own on loopback, with its own data. Leases last a second at least. */
export interface EtcdServer {
  /** Where it answers, `http://127.0.0.1:20000`. */
  readonly endpoint: string
  /** The port of that. */
  readonly port: number
  /** Its process. */
  readonly pid: number
  /** The last that it wrote. */
  readonly log: string
  /** What it has, past every client library. */
  readonly keys: EtcdKeys
  /** Ends it with SIGKILL; what it has stays. */
  kill(): Promise<void>
  /** Starts it again where it was, with what it had, and waits until it is healthy. */
  restart(): Promise<void>
  /** Freezes it: connections stay, and nobody answers. */
  pause(): void
  /** Lets it go on. */
  resume(): void
  /** Ends it, takes away all that it has, and starts it again. */
  wipe(): Promise<void>
  /** Ends it and takes away all that it has. */
  stop(): Promise<void>
}

/** Starts one etcd, and waits until it is healthy. */
export async function startEtcd(options: EtcdOptions = {}): Promise<EtcdServer> {
  const [server] = await startEtcdCluster(1, options)
  if (server === undefined) throw new Error('a cluster has at least one member')
  return server
}

/** Starts the members of one cluster, and waits until each is healthy. */
export async function startEtcdCluster(size: number, options: EtcdOptions = {}): Promise<readonly EtcdServer[]> {
  const ports = await freePorts(2 * size)
  const addresses = Array.from({ length: size }, (_, index) => ({
    name: `member-${index}`,
    port: ports[2 * index] ?? 0,
    peer: `http://127.0.0.1:${ports[2 * index + 1]}`,
  }))
  const cluster = addresses.map(({ name, peer }) => `${name}=${peer}`).join(',')
  const members = addresses.map(address => new Member(address, cluster, options))
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
  /** Where the other members find it. */
  readonly peer: string
}

class Member implements EtcdServer {
  readonly endpoint: string
  readonly port: number
  readonly keys: EtcdKeys
  private readonly folder: string
  private readonly program: string
  private readonly args: readonly string[]
  private process: ServerProcess | undefined
  private readonly removeFolder: () => void

  constructor(address: Address, cluster: string, options: EtcdOptions) {
    this.program = findServer(etcdProgram)
    this.folder = mkdtempSync(join(tmpdir(), 'millrace-etcd-'))
    this.endpoint = `${options.certificate === undefined ? 'http' : 'https'}://127.0.0.1:${address.port}`
    this.port = address.port
    this.keys = new EtcdKeys(this.endpoint)
    this.args = [
      ...argumentsOf(address, cluster, this.endpoint),
      ...tlsArguments(options),
      // What survives a crash of the machine is not tried; what survives that of the process is written anyway.
      ...(hasOption(this.program, '--unsafe-no-fsync') ? ['--unsafe-no-fsync'] : []),
      ...(options.args ?? []),
    ]
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

  async kill(): Promise<void> {
    await this.process?.kill()
  }

  async restart(): Promise<void> {
    await this.kill()
    const started = new ServerProcess(this.program, [...this.args, `--data-dir=${join(this.folder, 'data')}`])
    this.process = started
    try {
      await becomes(async () => !started.alive || (await this.keys.healthy()), 15_000, 'health of etcd')
      if (!started.alive) throw new Error('etcd ended as soon as it was started')
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

  async wipe(): Promise<void> {
    await this.kill()
    rmSync(join(this.folder, 'data'), { recursive: true, force: true })
    await this.restart()
  }

  async stop(): Promise<void> {
    await this.kill()
    this.removeFolder()
    process.off('exit', this.removeFolder)
  }
}

function argumentsOf({ name, peer }: Address, cluster: string, endpoint: string): readonly string[] {
  return [
    `--name=${name}`,
    `--listen-client-urls=${endpoint}`,
    `--advertise-client-urls=${endpoint}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=${cluster}`,
    '--logger=zap',
    '--log-outputs=stdout',
    '--log-level=error',
    // The shortest lease is one and a half elections.
    '--heartbeat-interval=50',
    '--election-timeout=500',
  ]
}

function tlsArguments({ certificate, asksCertificate = false }: EtcdOptions): readonly string[] {
  if (certificate === undefined) return []
  const path = (name: CertificateName): string => resolve('test/support/certificates', `${name}.pem`)
  return [
    `--cert-file=${path(certificate)}`,
    `--key-file=${path(certificate)}`,
    ...(asksCertificate ? ['--client-cert-auth', `--trusted-ca-file=${path('authority')}`] : []),
  ]
}

function hasOption(program: string, option: string): boolean {
  return spawnSync(program, ['--help'], { encoding: 'utf8' }).stdout.includes(option)
}
