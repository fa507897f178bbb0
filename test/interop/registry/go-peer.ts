import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Endpoint, Metadata, Node } from 'millrace/registry'
import { filter, firstValueFrom, map, mergeMap, type Observable, ReplaySubject, throwError, timeout } from 'rxjs'

/** A service as go-micro has it: what is absent is `null`. */
export interface GoService {
  readonly name: string
  readonly version: string
  readonly metadata: Metadata | null
  readonly endpoints: readonly Endpoint[] | null
  readonly nodes: readonly (Omit<Node, 'metadata'> & { readonly metadata: Metadata | null })[]
}

/** What the process tells of a command. */
export interface Told {
  readonly id: string
  /** `done`, `services`, `watching`, `changed` or `failed`. */
  readonly event: string
  readonly error?: string
  readonly services?: readonly GoService[]
  /** Of `changed`: `create`, `update` or `delete`. */
  readonly action?: string
  readonly service?: GoService
}

const PATIENCE_MS = 15_000

/** A process that registers and looks with a registry of go-micro. */
export class GoPeer {
  private readonly process: ChildProcess
  private readonly told$: ReplaySubject<Told>
  private readonly ended: Promise<unknown>
  private commands: number

  constructor(program: string, args: readonly string[]) {
    this.process = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] })
    this.told$ = new ReplaySubject()
    this.commands = 0
    this.ended = new Promise(ended => this.process.once('exit', ended))
    const { stdin, stdout } = this.process
    stdin?.on('error', () => {}) // its end is heard of already
    if (stdout !== null) createInterface(stdout).on('line', line => this.told$.next(JSON.parse(line) as Told))
    this.process.once('exit', () => this.told$.error(new Error('the process of go-micro has ended')))
  }

  /** Registers, with a lease of `ttl` seconds where there are leases. */
  async register(service: GoService, ttl = 30): Promise<void> {
    await this.once({ do: 'register', service, ttl })
  }

  /** Says goodbye. */
  async deregister(service: GoService): Promise<void> {
    await this.once({ do: 'deregister', service })
  }

  /** The services of a name. */
  async get(name: string): Promise<readonly GoService[]> {
    return (await this.once({ do: 'get', name })).services ?? []
  }

  /** The names of all services. */
  async list(): Promise<readonly string[]> {
    return ((await this.once({ do: 'list' })).services ?? []).map(({ name }) => name)
  }

  /** What it hears of a name, from now on: `create a`, `delete a`. Resolves when it listens. */
  async watch(name: string): Promise<Observable<string>> {
    const told$ = this.say({ do: 'watch', name })
    await firstValueFrom(told$.pipe(timeout({ first: PATIENCE_MS })))
    return told$.pipe(
      filter(({ event }) => event === 'changed'),
      map(({ action, service }) => `${action} ${service?.nodes.map(({ id }) => id).join(' ')}`),
    )
  }

  /** Ends it without a goodbye. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL')
    await this.ended
  }

  private once(command: object): Promise<Told> {
    return firstValueFrom(this.say(command).pipe(timeout({ first: PATIENCE_MS })))
  }

  private say(command: object): Observable<Told> {
    const id = String(++this.commands)
    this.process.stdin?.write(`${JSON.stringify({ id, ...command })}\n`)
    return this.told$.pipe(
      filter(told => told.id === id),
      mergeMap(told => (told.event === 'failed' ? throwError(() => new Error(`go-micro: ${told.error}`)) : [told])),
    )
  }
}
