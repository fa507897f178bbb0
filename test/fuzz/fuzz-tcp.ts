import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { seededRuntime, silentLog, systemRuntime } from 'millrace/core'
import type { Connection } from 'millrace/protocol'
import { rsocket } from 'millrace/protocol/rsocket'
import { tcp } from 'millrace/transport/tcp'
import { asyncScheduler, type Subscription } from 'rxjs'
import { Chance } from '../support/chance.js'
import { first } from '../support/first.js'
import { conversation } from '../support/hostile-frames.js'
import { Attack } from './attack.js'
import type { FuzzOptions, FuzzReport } from './fuzz-report.js'
import { prefixed, readFrames } from '../support/raw-stream.js'
import { newTally, outcomesOf, type Tally } from './tally.js'
import { targetOptions } from './target.js'
import type { Finding, Order } from './tcp-target.js'
import { until } from './until.js'
import { WellBehaved } from './well-behaved.js'

/** Hostile connections to the server at once. */
const AT_ONCE = 6
/** Frames before the memory is measured first, so that code and caches are there. */
const WARM_UP_FRAMES = 5000
/** Longest that a frame may go unanswered, and that a call of the well-behaved client may take. */
const PATIENCE_MS = 5000

/** Sends random and damaged frames and bytes over TCP to a process of its own, which serves and calls. */
export async function fuzzTcp({ frames, seed, onProgress }: FuzzOptions): Promise<FuzzReport> {
  const target = new TargetProcess()
  const { listening } = (await target.tells()) as { readonly listening: readonly string[] }
  const storm = await Storm.against(listening, new Chance(seededRuntime({ scheduler: asyncScheduler, seed }).random))
  target.order({ order: 'callHostileServer', address: storm.address })
  let isWatching = false
  const isOver = (): boolean => {
    storm.check()
    onProgress?.(storm.tally.frames)
    if (!isWatching && storm.tally.frames >= Math.min(WARM_UP_FRAMES, frames / 2)) {
      isWatching = true
      target.order({ order: 'watchMemory' })
    }
    return storm.tally.frames >= frames || storm.tally.failures.size > 0 || !target.isAlive
  }
  await until(isOver, Infinity)
  const wellBehaved = await storm.end()
  target.order({ order: 'finish' })
  const { memory, failures } = (await target.tells()) as Exclude<Finding, { readonly listening: readonly string[] }>
  target.end()
  const { tally } = storm
  return {
    seed,
    frames: tally.frames,
    unread: tally.unread,
    connections: tally.connections,
    outcomes: outcomesOf(tally),
    wellBehaved,
    memory,
    failures: [...tally.failures, ...failures],
  }
}

/** The process under attack. */
class TargetProcess {
  private readonly child: ChildProcess

  constructor() {
    this.child = fork(fileURLToPath(new URL('./tcp-target.js', import.meta.url)))
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  order(order: Order): void {
    if (this.isAlive) this.child.send(order)
  }

  /** The next thing that it tells; that it died is told, too. */
  async tells(): Promise<Finding> {
    if (!this.isAlive) return this.died()
    const ended = once(this.child, 'exit').then(() => this.died())
    return Promise.race([once(this.child, 'message').then(([finding]) => finding as Finding), ended])
  }

  end(): void {
    this.child.kill()
  }

  private died(): Finding {
    const { exitCode, signalCode } = this.child
    const memory = { heapGrowthMb: 0, rssGrowthMb: 0, peakRssMb: 0 }
    return { memory, failures: [`the process under attack ended with ${exitCode ?? signalCode}`] }
  }
}

/** Hostile connections, to a server and from clients, and a well-behaved one beside them. */
class Storm {
  readonly tally: Tally
  private readonly chance: Chance
  private readonly servers: readonly string[]
  private readonly hostileServer: Server
  private readonly attacks: Map<Attack, RunningAttack>
  private readonly connecting: Subscription
  private readonly wellBehaved: WellBehaved
  private isEnding: boolean

  private constructor(servers: readonly string[], chance: Chance, hostileServer: Server, calling: Calling) {
    this.tally = newTally()
    this.chance = chance
    this.servers = servers
    this.hostileServer = hostileServer.on('connection', socket => this.attack(socket, 'client'))
    this.attacks = new Map()
    this.connecting = calling.connecting
    this.wellBehaved = new WellBehaved(calling.connection, systemRuntime())
    this.isEnding = false
    for (let index = 0; index < AT_ONCE; index++) this.dial()
  }

  /** Begins. */
  static async against(servers: readonly string[], chance: Chance): Promise<Storm> {
    const hostileServer = createServer({ noDelay: true }).listen(0, '127.0.0.1')
    await once(hostileServer, 'listening')
    return new Storm(servers, chance, hostileServer, await callingWell(first(servers)))
  }

  /** Where the hostile server listens. */
  get address(): string {
    return `127.0.0.1:${(this.hostileServer.address() as AddressInfo).port}`
  }

  /** Looks for what has stopped. */
  check(): void {
    const { tally, wellBehaved } = this
    const now = performance.now()
    for (const { attack, struckAt, isLeaving } of this.attacks.values()) {
      if (now - struckAt < PATIENCE_MS) continue
      if (isLeaving) tally.failures.add('a connection that its peer has closed does not end')
      else if (attack.pending > 0) tally.failures.add('a connection neither answers nor ends')
    }
    if (wellBehaved.waitingMs > PATIENCE_MS)
      tally.failures.add(`the well-behaved client waits ${wellBehaved.waitingMs} ms`)
    wellBehaved.failures.forEach(failure => tally.failures.add(`the well-behaved client: ${failure}`))
  }

  /** Ends every connection. */
  async end(): Promise<{ calls: number; slowestMs: number }> {
    const { calls, slowestMs } = this.wellBehaved
    this.isEnding = true
    this.check()
    if (calls === 0) this.tally.failures.add('the well-behaved client made no calls')
    this.wellBehaved.stop()
    this.connecting.unsubscribe()
    this.hostileServer.close()
    for (const { socket } of this.attacks.values()) socket.destroy()
    await until(() => this.attacks.size === 0, PATIENCE_MS)
    return { calls, slowestMs: Math.round(slowestMs) }
  }

  private dial(): void {
    if (this.isEnding) return
    const port = Number(this.chance.pick(this.servers).split(':')[1])
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: this.chance.oneIn(10) })
    socket.once('connect', () => this.attack(socket, 'server'))
    socket.on('close', () => this.dial())
    socket.on('error', () => {})
  }

  private attack(socket: Socket, target: 'client' | 'server'): void {
    const chunks: Uint8Array[] = []
    const attack = new Attack(
      target,
      conversation(this.chance, target === 'server' ? 'client' : 'server'),
      this.tally,
      frame => chunks.push(prefixed(frame)),
    )
    const running: RunningAttack = { attack, socket, chunks, struckAt: 0, isLeaving: false }
    this.attacks.set(attack, running)
    let isKnown = target === 'server'
    readFrames(socket, frame => {
      attack.received(frame)
      if (!isKnown) {
        isKnown = true
        this.strike(running)
        return
      }
      if (attack.pending === 0 && !running.isLeaving) this.strike(running)
    })
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
    socket.on('close', () => {
      attack.ended(running.isLeaving)
      this.attacks.delete(attack)
    })
    if (isKnown) this.strike(running)
  }

  private strike(running: RunningAttack): void {
    const { chance } = this
    const { attack, chunks, socket } = running
    running.struckAt = performance.now()
    if (chance.oneIn(25)) {
      this.leave(running)
      return
    }
    attack.strike(1 + chance.below(24))
    this.write(socket, Buffer.concat(chunks.splice(0)))
  }

  /** Ends the connection from this side, in the middle of something or not. */
  private leave(running: RunningAttack): void {
    const { chance } = this
    const { attack, socket } = running
    running.isLeaving = true
    if (!chance.oneIn(4)) {
      const noise = this.noise()
      attack.struckWith(noise)
      socket.write(noise)
    }
    if (chance.oneIn(2)) socket.end()
    else socket.destroy()
  }

  private write(socket: Socket, bytes: Uint8Array): void {
    const { chance } = this
    if (!chance.oneIn(4)) return void socket.write(bytes)
    for (let at = 0; at < bytes.length;) {
      const end = at + 1 + chance.below(bytes.length)
      socket.write(bytes.subarray(at, end))
      at = end
    }
  }

  /** Bytes that make no whole frame. */
  private noise(): Uint8Array {
    const { chance } = this
    switch (chance.below(4)) {
      case 0:
        return chance.bytes(1 + chance.below(60))
      case 1:
        return Uint8Array.of(0xff, 0xff, 0xff, 1, 2, 3)
      case 2:
        return Uint8Array.from([0, chance.below(256), chance.below(256), ...chance.bytes(chance.below(20))])
      default:
        return Uint8Array.from([0, 0x80, 0, ...chance.bytes(200)])
    }
  }
}

interface RunningAttack {
  readonly attack: Attack
  readonly socket: Socket
  /** What is to be written. */
  readonly chunks: Uint8Array[]
  /** When something was written last. */
  struckAt: number
  /** Whether we have ended the connection. */
  isLeaving: boolean
}

interface Calling {
  readonly connection: Connection
  readonly connecting: Subscription
}

function callingWell(server: string): Promise<Calling> {
  const protocol = rsocket(tcp(), { ...targetOptions, log: silentLog })
  return new Promise((resolve, reject) => {
    const connecting = protocol
      .connect(server)
      .subscribe({ next: connection => resolve({ connection, connecting }), error: reject })
  })
}
