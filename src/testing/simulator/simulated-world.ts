import type { Observable } from 'rxjs'
import { Subject, type Unsubscribable } from 'rxjs'
import { createClient, createService, type RunOptions } from '../../actors/index.js'
import { RpcError, type Log, type LogEvent, type Runtime } from '../../core/index.js'
import { rsocket } from '../../protocol/rsocket/index.js'
import { memoryNetwork, type MemoryFrame, type MemoryNetwork } from '../../transport/index.js'
import type { Snapshot } from '../../registry/index.js'
import { CallObserver } from './call-observer.js'
import { drawFaults, type FaultRates } from './draw-faults.js'
import { EventLog } from './event-log.js'
import { parseFaults } from './fault-marbles.js'
import type { Fault, FaultLetter } from './fault.js'
import { Life } from './life.js'
import type { CallStep, FrameSent, Invariant, ObservedWorld, ProcessStep, RegistryStep } from './observed.js'
import { RealWork } from './real-work.js'
import { seedOf } from './seed-of.js'
import type { ResolvedSimulateOptions, Violation } from './simulate-options.js'
import { SimulatedBroker } from './simulated-broker.js'
import { SimulatedRegistry } from './simulated-registry.js'
import { Clock, runtimeOn, Timeline, type TimelineOwner } from './timeline.js'
import { isOf, Weather } from './weather.js'
import type { ProcessContext, Program, SimulatedProcess, World } from './world.js'

const PROCESS_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?$/
const RESERVED = new Set(['registry', 'broker', 'world'])
/** What an event takes a slow process, ms. */
const SLOW_TURN_MS = 5

/** One run of a scenario. */
export class SimulatedWorld implements World, ObservedWorld, TimelineOwner {
  readonly runtime: Runtime
  readonly events$: Subject<void>
  readonly calls$: Observable<CallStep>
  readonly frames$: Subject<FrameSent>
  readonly registry$: Observable<RegistryStep>
  readonly processes$: Subject<ProcessStep>
  readonly end$: Subject<void>
  /** Everything that happened. */
  readonly log: EventLog
  /** What the run showed to be broken; the run ends with the first. */
  readonly violations: Violation[]
  /** The faults of the run, drawn or drawn up. */
  readonly faults: Fault[]
  /** Those of them that come from the options. */
  injected: readonly Fault[]
  /** Sees what is real. */
  readonly realWork: RealWork
  /** Sees the calls. */
  readonly observer: CallObserver
  private readonly options: ResolvedSimulateOptions
  private readonly timeline: Timeline
  private readonly weather: Weather
  private readonly network: MemoryNetwork
  private readonly registryServer: SimulatedRegistry
  private readonly brokerServer: SimulatedBroker
  private readonly processes: Map<string, Process>
  private readonly latencyChance: Runtime

  constructor(options: ResolvedSimulateOptions) {
    const { seed, latencyMs, leaseMs } = options
    this.options = options
    this.timeline = new Timeline(this)
    const clockOf = (name: string): Runtime =>
      runtimeOn(this.timeline, new Clock(this.timeline, name, 0), seedOf(seed, name))
    this.runtime = clockOf('world')
    this.log = new EventLog()
    this.violations = []
    this.faults = []
    this.injected = []
    this.realWork = new RealWork()
    this.weather = new Weather()
    this.processes = new Map()
    this.latencyChance = clockOf('latency')
    this.observer = new CallObserver(() => this.now())
    this.registryServer = new SimulatedRegistry({ runtime: clockOf('registry'), leaseMs, latencyMs: latencyMs.median })
    this.brokerServer = new SimulatedBroker({ runtime: clockOf('broker'), latencyMs: latencyMs.median })
    this.events$ = new Subject()
    this.calls$ = this.observer.steps$
    this.frames$ = new Subject()
    this.registry$ = this.registryServer.steps$
    this.processes$ = new Subject()
    this.end$ = new Subject()
    this.network = memoryNetwork({
      latencyMs: latencyMs.min,
      faults: {
        link: ({ from, to }) => this.weather.connection(hostIn(from), hostIn(to)),
        frame: frame => this.sent(frame),
      },
    })
    this.observer.steps$.subscribe(step => this.logCall(step))
    this.registryServer.steps$.subscribe(step => this.logRegistry(step))
  }

  /** Begins: the faults are known, the processes start. */
  begin(): void {
    const { faults } = this.options
    this.injected = isPlan(faults) ? faults : this.drawn(faults)
    this.faults.push(...this.injected)
    for (const fault of this.faults) this.plan(fault)
    for (const process of this.processes.values()) process.start()
  }

  /** Runs until the end, a violation, or promises that must be waited for; gives whether it is to be run again. */
  proceed(): boolean {
    return this.timeline.run(this.options.duration, () => this.violations.length > 0 || this.realWork.takeUnsettled())
  }

  /** The time is over. */
  finish(): void {
    if (this.violations.length === 0) this.end$.next()
    this.log.close() // that processes are put away is no event
    for (const process of this.processes.values()) process.end()
  }

  /** Events that have happened. */
  get events(): number {
    return this.timeline.events
  }

  process(name: string, program: Program): SimulatedProcess {
    if (!PROCESS_NAME.test(name) || RESERVED.has(name)) throw invalidName(name, 'use letters, digits and -')
    if (this.processes.has(name)) throw invalidName(name, 'it is taken')
    const process = new Process(name, program, this)
    this.processes.set(name, process)
    return process
  }

  link(a: string, b: string, diagram: string): void {
    this.draw('link', [a, b], diagram)
  }

  fault(process: string, diagram: string): void {
    this.draw('process', [process], diagram)
  }

  registry(diagram: string): void {
    this.draw('registry', [], diagram)
  }

  broker(diagram: string): void {
    this.draw('broker', [], diagram)
  }

  skew(process: string, ms: number): void {
    this.faults.push({ kind: 'skew', targets: [process], at: 0, ms })
  }

  invariant({ name, violations }: Invariant): void {
    violations(this).subscribe({
      next: message => this.violated(name, message),
      error: error => this.violated(name, `the invariant itself failed: ${String(error)}`),
    })
  }

  now(): number {
    return this.timeline.now
  }

  registered(): Snapshot {
    return this.registryServer.registered()
  }

  isLive(process: string, life: number): boolean {
    const running = this.processes.get(process)?.running
    return running !== undefined && running.life === life
  }

  happened(): void {
    if (this.realWork.found.length > 0) this.reportRealWork()
    this.events$.next()
  }

  threw(clock: Clock, error: unknown): void {
    this.violated('errors are handled', `${clock.name}: ${String(error)}`)
  }

  /** Something is not as it must be. */
  violated(invariant: string, message: string): void {
    if (this.log.isClosed) return
    const at = this.now()
    this.violations.push({ invariant, message, at })
    this.write('world', `violated: ${invariant}: ${message}`)
  }

  /** Writes a line into the event log. */
  write(who: string, what: string): void {
    this.log.add(this.now(), who, what)
  }

  /** Names real work that has begun. */
  reportRealWork(): void {
    for (const what of this.realWork.found.splice(0)) {
      this.violated('time and I/O are virtual', `${what}; use the runtime of the process, and what its context has`)
    }
  }

  /** A new life of a process. */
  newLife(name: string, life: number, skewMs: number): Life {
    const clock = new Clock(this.timeline, name, skewMs)
    return new Life(clock, this.timeline, life, seedOf(this.options.seed, `${name} ${life}`))
  }

  /** Everything that a life of a process has to do with. */
  contextOf(life: Life): ProcessContext {
    const { process: name, runtime } = life
    const log: Log = event => this.write(name, lineOf(event))
    const transport = this.network.host({ name, runtime })
    const protocol = rsocket(transport, { runtime, log })
    const registry = this.registryServer.reachedBy(life, this.weather.passable(name, 'registry'))
    const broker = this.brokerServer.reachedBy(life, this.weather.passable(name, 'broker'))
    const given = { protocol, registry, runtime, log }
    return {
      ...given,
      name,
      life: life.life,
      transport,
      broker,
      stop$: life.stop$.asObservable(),
      createService: options => {
        const interceptors = [this.observer.handlers(life), ...(options.interceptors ?? [])]
        const service = createService({ ...given, signals: [], ...options, interceptors })
        return { run: (run?: RunOptions) => service.run({ stop: life.stop$, ...run }) }
      },
      createClient: options =>
        createClient({
          ...given,
          ...options,
          interceptors: [this.observer.callers(life), ...(options?.interceptors ?? [])],
        }),
      note: text => this.write(name, text),
    }
  }

  /** The machine of a process closes its connections, or goes dark. */
  disconnect(name: string, isDark: boolean): void {
    if (isDark) this.weather.setDark(name, true)
    else this.weather.breakOff(name, 'lost')
  }

  /** The machine of a process is on. */
  connect(name: string): void {
    this.weather.setDark(name, false)
  }

  private drawn(rates: FaultRates): readonly Fault[] {
    const { settleMs, duration, seed } = this.options
    const processes = [...this.processes.keys()]
    const ends = [...processes, 'registry', 'broker']
    const links = processes.flatMap((a, index) => ends.slice(index + 1).map((b): [string, string] => [a, b]))
    const runtime = runtimeOn(this.timeline, new Clock(this.timeline, 'faults', 0), seedOf(seed, 'faults'))
    return drawFaults(rates, { processes, links, untilMs: duration - settleMs, runtime })
  }

  private draw(lane: FaultLetter['lane'], targets: readonly string[], diagram: string): void {
    this.faults.push(...parseFaults(lane, targets, diagram, this.options.duration))
  }

  private plan(fault: Fault): void {
    const { kind, targets, at, ms } = fault
    const affected = [...this.processes.values()].filter(({ name }) => targets.some(target => isOf(target, name)))
    if (kind === 'skew') {
      for (const process of affected) process.skewMs = ms
      return
    }
    const name = `${kind} ${targets.join(' ')}`.trimEnd()
    this.runtime.scheduler.schedule(() => {
      this.write('world', name)
      this.apply(fault, affected)
    }, at)
    if (kind === 'reset') return
    this.runtime.scheduler.schedule(() => {
      this.write('world', `${name} is over`)
      this.undo(fault, affected)
    }, at + ms)
  }

  private apply(fault: Fault, affected: readonly Process[]): void {
    switch (fault.kind) {
      case 'crash':
        return affected.forEach(process => process.takeDown(() => process.crash()))
      case 'vanish':
        return affected.forEach(process => process.takeDown(() => process.vanish()))
      case 'restart':
        return affected.forEach(process => process.takeDown(() => process.stop()))
      case 'slow':
        return affected.forEach(process => process.slowDown(SLOW_TURN_MS))
      case 'registryOutage':
        return this.registryServer.setDown(true)
      case 'brokerOutage':
        return this.brokerServer.setDown(true)
      default:
        return this.weather.begin(fault)
    }
  }

  private undo(fault: Fault, affected: readonly Process[]): void {
    switch (fault.kind) {
      case 'crash':
      case 'vanish':
      case 'restart':
        return affected.forEach(process => process.bringUp())
      case 'slow':
        return affected.forEach(process => process.slowDown(0))
      case 'registryOutage':
        return this.registryServer.setDown(false)
      case 'brokerOutage':
        return this.brokerServer.setDown(false)
      default:
        return this.weather.end(fault)
    }
  }

  /** Sees a frame off, and gives how much longer it takes than the least. */
  private sent({ link, toward, bytes }: MemoryFrame): number {
    const [dialer, listener] = [hostIn(link.from), hostIn(link.to)]
    const [from, to] = toward === 'listener' ? [dialer, listener] : [listener, dialer]
    this.log.add(this.now(), from, `#${link.index} ${bytes.length} bytes to ${to}`, bytes)
    this.frames$.next({ connection: link.index, from, to, toward, bytes })
    const { min, median, max } = this.options.latencyMs
    const draw = this.latencyChance.random()
    // Log-logistic: half are below the median, and now and then one takes very long, as in real networks.
    const latency = Math.min(max, min + ((median - min) * draw) / (1 - draw))
    return latency * this.weather.slowness(from, to) - min
  }

  /** Items are not told one by one: the frames that carry them are. */
  private logCall({ call, run, step }: CallStep): void {
    if (step !== 'started' && step !== 'ended') return
    const side = run ?? call
    const { contract, endpoint } = call.route
    const counts = `after ${side.requests.length} requests and ${side.replies.length} replies`
    const what = step === 'started' ? '' : ` ${side.end} ${counts}`
    this.write(side.process, `call ${call.id} ${contract}.${endpoint} ${run === undefined ? 'made' : 'run'}${what}`)
  }

  private logRegistry({ process, instance, gone, snapshot }: RegistryStep): void {
    if (instance !== undefined) {
      this.write(process, `${gone === true ? 'says goodbye as' : 'registers'} ${instance.name} ${instance.node.id}`)
    }
    if (snapshot === undefined) return
    const nodes = snapshot.services.flatMap(service => service.nodes.map(node => node.id))
    this.write(process, `sees ${nodes.join(' ') || 'nobody'}${snapshot.stale ? ', stale' : ''}`)
  }
}

/** One process and its lives. */
class Process implements SimulatedProcess {
  readonly name: string
  /** The present life. */
  running: Life | undefined
  /** How far its clock is ahead. */
  skewMs: number
  private readonly program: Program
  private readonly world: SimulatedWorld
  private lives: number
  /** How many faults keep it down. */
  private downs: number
  private turnMs: number

  constructor(name: string, program: Program, world: SimulatedWorld) {
    this.name = name
    this.running = undefined
    this.skewMs = 0
    this.program = program
    this.world = world
    this.lives = 0
    this.downs = 0
    this.turnMs = 0
  }

  get isUp(): boolean {
    return this.running !== undefined
  }

  start(): void {
    if (this.running !== undefined) return
    const life = this.world.newLife(this.name, ++this.lives, this.skewMs)
    life.clock.turnMs = this.turnMs
    this.running = life
    this.world.connect(this.name)
    this.tell('started')
    life.runtime.macrotask(() => this.run(life))
  }

  stop(): void {
    if (this.running === undefined) return
    this.tell('stopping')
    this.running.stop$.next()
  }

  crash(): void {
    if (this.running === undefined) return
    this.tell('crashed')
    this.end()
  }

  vanish(): void {
    if (this.running === undefined) return
    this.tell('vanished')
    this.world.disconnect(this.name, true)
    this.end()
  }

  /** A fault keeps it down from now on. */
  takeDown(how: () => void): void {
    this.downs++
    how()
  }

  /** A fault is over; when it was the last, the process starts again. */
  bringUp(): void {
    this.downs--
    if (this.downs > 0) return
    this.crash() // if it was told to stop, and has not
    this.start()
  }

  /** How long each event takes it from now on. */
  slowDown(turnMs: number): void {
    this.turnMs = turnMs
    if (this.running !== undefined) this.running.clock.turnMs = turnMs
  }

  /** Nothing of it happens any more, and it leaves nothing behind. */
  end(): void {
    const life = this.running
    if (life === undefined) return
    this.running = undefined
    life.clock.isLive = false
    this.world.disconnect(this.name, false)
    life.resources.unsubscribe()
  }

  private run(life: Life): void {
    const running = this.program(this.world.contextOf(life))
    if (running === undefined) return
    life.resources.add(isObservable(running) ? this.subscribe(running, life) : running)
  }

  private subscribe(running: Observable<unknown>, life: Life): Unsubscribable {
    return running.subscribe({
      error: error => {
        this.world.violated('errors are handled', `${this.name} failed: ${String(error)}`)
        this.endOf(life)
      },
      complete: () => this.endOf(life),
    })
  }

  private endOf(life: Life): void {
    if (this.running !== life) return
    this.tell('ended')
    this.end()
  }

  private tell(step: ProcessStep['step']): void {
    this.world.write(this.name, step)
    this.world.processes$.next({ process: this.name, life: this.lives, step })
  }
}

function isObservable(running: Observable<unknown> | Unsubscribable): running is Observable<unknown> {
  return 'subscribe' in running
}

function isPlan(faults: ResolvedSimulateOptions['faults']): faults is readonly Fault[] {
  return Array.isArray(faults)
}

/** The process in an address: `orders-1` in `memory:orders-1:2` and in `memory:orders-1~7`. */
function hostIn(address: string): string {
  const name = address.slice(address.indexOf(':') + 1)
  return name.replace(/[:~][^:~]*$/, '')
}

function lineOf({ level, event, message }: LogEvent): string {
  return `${level} ${event}: ${message}`
}

function invalidName(name: string, remedy: string): RpcError {
  const message = `process: a process cannot be called ${JSON.stringify(name)}: ${remedy}`
  return new RpcError('INVALID_ARGUMENT', message, { reason: 'invalid_scenario' })
}
