import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { filter, firstValueFrom, map, ReplaySubject, take, takeWhile, timeout, toArray, type Observable } from 'rxjs'
import { JavaCall } from './java-call.js'

/** Names and values of a command; the Java side is Peer.java. */
export type Parameters = { readonly [name: string]: string | number | undefined }

/** The interactions that a Java process can begin. */
export type CallKind = 'unary' | 'stream' | 'channel' | 'tell' | 'push'

/** What a Java process tells: of which call or connection, and what happened to it. */
export interface Told {
  readonly id: string
  readonly event: string
  readonly [field: string]: unknown
}

/** Bytes as a Java process tells them: more than 1024 only by length and SHA-256. */
export interface ToldBytes {
  readonly length: number
  readonly base64?: string
  readonly sha256?: string
}

const PATIENCE_MS = 8000

/** A process that runs rsocket-java as clients and servers, as it is told. */
export class JavaPeer {
  private readonly process: ChildProcess
  private readonly told: Map<string, ReplaySubject<Told>>
  private ids: number
  private ending: Error | undefined

  constructor(folder: string, main: string) {
    const frames = process.env['FRAMES'] === undefined ? [] : [`${LOG}.log.io.rsocket.FrameLogger=debug`]
    this.process = spawn('java', [...JVM, ...frames, '-cp', `${folder}/target/peer.jar:${folder}/target/lib/*`, main], {
      stdio: 'pipe',
    })
    this.told = new Map()
    this.ids = 0
    this.ending = undefined
    this.process.on('exit', (code, signal) => this.onExit(new Error(`Java has ended with ${code ?? signal}`)))
    const { stdin, stdout, stderr } = this.process
    stdin?.on('error', () => {}) // its end is heard of already
    if (stdout !== null) createInterface(stdout).on('line', line => this.hear(JSON.parse(line) as Told))
    if (frames.length > 0) stderr?.pipe(process.stderr)
    else stderr?.resume()
  }

  /** An id that no other call or connection has. */
  newId(kind: string): string {
    return `${kind}-${++this.ids}`
  }

  /** Tells it to do something; what comes of it is told under `id`. */
  say(what: string, id: string, parameters: Parameters = {}): void {
    const line = new URLSearchParams({ do: what, id })
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== undefined) line.set(name, String(value))
    }
    this.process.stdin?.write(`${line.toString()}\n`)
  }

  /** What is and was told under `id`. */
  of(id: string): Observable<Told> {
    return this.subjectOf(id)
  }

  /** Waits until `event` is told under `id`; fails at once when an error is told instead. */
  async until(id: string, event: string, matches: (told: Told) => boolean = () => true): Promise<Told> {
    const told = await firstValueFrom(
      this.subjectOf(id).pipe(
        filter(told => (told.event === event && matches(told)) || (told.event === 'error' && event !== 'error')),
        timeout({ first: PATIENCE_MS }),
      ),
    ).catch((cause: unknown) => {
      throw new Error(`Java has not told of ${event} under ${id}, but of: ${this.summary(id)}`, { cause })
    })
    if (told.event !== event) throw new Error(`instead of ${event} under ${id}: ${JSON.stringify(told)}`)
    return told
  }

  /** What has been told of `event` under `id` by now. */
  async heard(id: string, event: string): Promise<readonly Told[]> {
    const marker = { id, event: ' now' }
    const all = firstValueFrom(
      this.subjectOf(id).pipe(
        takeWhile(told => told !== marker),
        filter(told => told.event === event),
        toArray(),
      ),
    )
    this.subjectOf(id).next(marker)
    return await all
  }

  /** Makes a call over the connection `on`. */
  call(on: string, kind: CallKind, parameters: Parameters): JavaCall {
    const id = this.newId(kind)
    this.say('call', id, { on, kind, ...parameters })
    return new JavaCall(this, id)
  }

  /** Ends the process. */
  async end(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return
    const ended = new Promise(resolve => this.process.once('exit', resolve))
    this.process.kill('SIGKILL')
    await ended
  }

  private onExit(ending: Error): void {
    this.ending = ending
    for (const told of this.told.values()) told.error(ending)
  }

  private hear(told: Told): void {
    this.subjectOf(told.id).next(told)
  }

  private subjectOf(id: string): ReplaySubject<Told> {
    const known = this.told.get(id)
    if (known !== undefined) return known
    const made = new ReplaySubject<Told>()
    if (this.ending !== undefined) made.error(this.ending)
    this.told.set(id, made)
    return made
  }

  private summary(id: string): string {
    const events: string[] = []
    this.subjectOf(id)
      .pipe(
        map(({ event }) => event),
        take(100),
      )
      .subscribe({ next: event => events.push(event), error: ({ message }: Error) => events.push(message) })
      .unsubscribe()
    return events.join(', ') || 'nothing'
  }
}

const LOG = '-Dorg.slf4j.simpleLogger'
// Small and quick to start: what is measured here is behaviour.
const JVM: readonly string[] = [
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Xmx512m',
  `${LOG}.defaultLogLevel=error`,
]
