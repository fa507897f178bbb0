import { seededRuntime, type LogEvent, type Runtime } from 'millrace/core'
import type { Connection, Protocol } from 'millrace/protocol'
import { rsocket } from 'millrace/protocol/rsocket'
import { memoryTransport, type Socket, type Transport } from 'millrace/transport'
import { config, Subscription, VirtualTimeScheduler } from 'rxjs'
import { Chance } from '../support/chance.js'
import { first } from '../support/first.js'
import { conversation } from '../support/hostile-frames.js'
import { Attack } from './attack.js'
import type { FuzzOptions, FuzzReport } from './fuzz-report.js'
import { MemoryWatch } from './memory-watch.js'
import { textOf } from './text-of.js'
import { newTally, outcomesOf, type Tally } from './tally.js'
import { callAlways, targetOptions, targetServer, variants, type Running } from './target.js'
import { WellBehaved } from './well-behaved.js'

/** Servers, one for each variant of options; the well-behaved client calls the first. */
const SERVERS = variants.map((_, index) => `memory:server-${index}`)
const HOSTILE = 'memory:hostile'
/** Hostile connections at once. */
const AT_ONCE = 4
/** Attacks between two turns of the event loop. */
const BATCHES_PER_TURN = 200
/** Frames before the memory is measured first, so that code and caches are there. */
const WARM_UP_FRAMES = 5000
/** Virtual time in which everything under attack must have ended after the last frame. */
const END_MS = 300_000

/**
 * Sends random and damaged frames to a server and to a client over memory, in virtual time: two runs with one seed have
 * the same outcomes.
 */
export async function fuzzMemory({ frames, seed, onProgress }: FuzzOptions): Promise<FuzzReport> {
  const arena = new Arena(seed)
  const watch = new MemoryWatch()
  const escaped = (error: unknown): void => arena.fail(`an exception escaped: ${textOf(error)}`)
  const previous = config.onUnhandledError
  config.onUnhandledError = escaped
  process.on('uncaughtException', escaped).on('unhandledRejection', escaped)
  try {
    while (arena.tally.frames < frames) {
      for (let batch = 0; batch < BATCHES_PER_TURN && arena.tally.frames < frames; batch++) arena.attack()
      if (arena.tally.frames >= Math.min(WARM_UP_FRAMES, frames / 2)) watch.start()
      watch.sample()
      onProgress?.(arena.tally.frames)
      await new Promise(resolve => setImmediate(resolve))
    }
    return arena.end(watch, seed)
  } finally {
    config.onUnhandledError = previous
    process.off('uncaughtException', escaped).off('unhandledRejection', escaped)
  }
}

/** A server and clients in virtual time, and what attacks them. */
class Arena {
  readonly tally: Tally
  private readonly scheduler: VirtualTimeScheduler
  private readonly runtime: Runtime
  private readonly transport: Transport
  private readonly chance: Chance
  private readonly running: Running
  private readonly open: Set<Connection>
  private readonly attacks: RunningAttack[]
  private readonly wellBehaved: WellBehaved
  private readonly lifetimes: { unsubscribe(): void }[]
  private readonly clients: Subscription
  /** Sockets of clients at the hostile server that nobody attacks yet. */
  private readonly arrived: Socket[]

  constructor(seed: number) {
    this.tally = newTally()
    this.scheduler = new VirtualTimeScheduler()
    this.runtime = seededRuntime({ scheduler: this.scheduler, seed })
    this.transport = memoryTransport({ runtime: this.runtime, maxFrameBytes: 1_000_000 })
    this.chance = new Chance(seededRuntime({ scheduler: this.scheduler, seed: seed ^ 0x5eed }).random)
    this.running = { handlers: 0 }
    this.open = new Set()
    this.attacks = []
    this.lifetimes = []
    this.clients = new Subscription()
    this.arrived = []
    this.serve()
    this.lifetimes.push(
      this.transport
        .listen(HOSTILE)
        .subscribe(({ sockets }) => void sockets.subscribe(socket => this.arrived.push(socket))),
    )
    this.advance(0)
    this.wellBehaved = this.callWell()
  }

  /** Writes down what must not happen. */
  fail(what: string): void {
    this.tally.failures.add(what)
  }

  /** Lets one hostile connection send some frames, and everybody deal with them. */
  attack(): void {
    const { chance, attacks } = this
    if (attacks.length < AT_ONCE) attacks.push(this.begin())
    const index = chance.below(attacks.length)
    const running = attacks[index] as RunningAttack
    running.attack.strike(1 + chance.below(6))
    this.advance(1)
    if (!running.attack.over && running.attack.pending > 0) this.fail('a connection neither answers nor ends')
    if (!running.attack.over && !chance.oneIn(40)) return
    running.leave()
    attacks.splice(index, 1)
  }

  /** Ends everything and looks at what is left. */
  end(watch: MemoryWatch, seed: number): FuzzReport {
    const { tally, wellBehaved } = this
    for (const { leave } of this.attacks.splice(0)) leave()
    this.clients.unsubscribe()
    this.advance(1000)
    if (wellBehaved.calls === 0) this.fail('the well-behaved client made no calls')
    wellBehaved.failures.forEach(failure => this.fail(`the well-behaved client: ${failure}`))
    wellBehaved.stop()
    this.advance(1000)
    if (this.running.handlers !== 0) this.fail(`${this.running.handlers} handlers still run`)
    for (const lifetime of this.lifetimes) lifetime.unsubscribe()
    this.advance(END_MS)
    if (this.open.size !== 0) this.fail(`${this.open.size} connections are still open`)
    if (this.scheduler.actions.length !== 0) this.fail(`${this.scheduler.actions.length} timers are left`)
    const { calls, slowestMs } = wellBehaved
    return {
      seed,
      frames: tally.frames,
      unread: tally.unread,
      connections: tally.connections,
      outcomes: outcomesOf(tally),
      wellBehaved: { calls, slowestMs },
      memory: watch.stop(),
      failures: [...tally.failures],
    }
  }

  private serve(): void {
    const peer = targetServer(this.runtime, event => this.onLog(event), this.running)
    for (const [index, address] of SERVERS.entries()) {
      const listening = this.protocol(index).listen(address, remote => {
        this.callBadly(remote)
        return peer
      })
      this.lifetimes.push(listening.subscribe())
    }
  }

  private protocol(variant: number): Protocol {
    const { runtime } = this
    return rsocket(this.transport, { ...targetOptions, ...variants[variant], runtime, log: event => this.onLog(event) })
  }

  private callWell(): WellBehaved {
    let connection: Connection | undefined
    const failed = (error: unknown): void => this.fail(`the well-behaved connection ended: ${textOf(error)}`)
    this.lifetimes.push(
      this.protocol(0)
        .connect(first(SERVERS))
        .subscribe({ next: opened => (connection = opened), error: failed }),
    )
    this.advance(0)
    return new WellBehaved(connection as unknown as Connection, this.runtime)
  }

  private begin(): RunningAttack {
    return this.chance.oneIn(4) ? this.beginOnClient() : this.beginOnServer()
  }

  private beginOnServer(): RunningAttack {
    let socket: Socket | undefined
    const dialling = this.transport
      .dial(this.chance.pick(SERVERS))
      .subscribe({ next: opened => (socket = opened), error: () => {} })
    this.advance(0)
    return this.attackThrough(socket as unknown as Socket, 'server', () => dialling.unsubscribe())
  }

  /** A client that begins, or one that comes again to go on with its session. */
  private beginOnClient(): RunningAttack {
    const { chance, arrived } = this
    const again = chance.oneIn(2) ? arrived.shift() : undefined
    if (again !== undefined) return this.attackThrough(again, 'client', () => {})
    const log = (event: LogEvent): void => this.onLog(event)
    arrived.length = 0
    const connecting = this.protocol(chance.below(variants.length))
      .connect(HOSTILE, { serve: targetServer(this.runtime, log, this.running) })
      .subscribe({ next: connection => this.callBadly(connection), error: () => {} })
    this.clients.add(connecting)
    this.advance(0)
    return this.attackThrough(first(arrived.splice(0)), 'client', () => {
      if (chance.oneIn(2)) connecting.unsubscribe()
    })
  }

  private callBadly(connection: Connection): void {
    this.watch(connection)
    callAlways(connection, this.runtime)
  }

  private attackThrough(socket: Socket, target: 'client' | 'server', leave: () => void): RunningAttack {
    const role = target === 'server' ? 'client' : 'server'
    const attack = new Attack(target, conversation(this.chance, role), this.tally, frame => {
      socket.send(frame.length, (bytes, offset) => bytes.set(frame, offset))
    })
    const reading = socket.inbound.subscribe({
      next: ({ bytes, start, end }) => attack.received(bytes.slice(start, end)),
      error: () => attack.ended(false),
      complete: () => attack.ended(false),
    })
    this.advance(0) // a client has the first word
    return {
      attack,
      leave: () => {
        attack.ended(true)
        if (this.chance.oneIn(2)) socket.close()
        else reading.unsubscribe()
        leave()
      },
    }
  }

  /** Knows `connection` until it has ended and nothing runs on it. */
  private watch(connection: Connection): void {
    this.open.add(connection)
    connection.status.subscribe({
      complete: () =>
        this.runtime.macrotask(() => {
          if (connection.running === 0) this.open.delete(connection)
        }),
    })
  }

  private onLog({ event, message }: LogEvent): void {
    if (event === 'teardown.failed') this.fail(`${event}: ${message}`)
  }

  private advance(ms: number): void {
    const until = this.scheduler.frame + ms
    this.scheduler.maxFrames = until
    try {
      this.scheduler.flush()
    } catch (error) {
      this.fail(`an exception escaped: ${textOf(error)}`)
    }
    this.scheduler.frame = until
  }
}

interface RunningAttack {
  readonly attack: Attack
  /** Ends the connection. */
  leave(): void
}
