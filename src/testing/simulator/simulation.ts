import { defer, Subject } from 'rxjs'
import { RpcError, type Log, type Runtime } from '../../core/index.js'
import { memoryNetwork, type MemoryFrame, type MemoryNetwork } from '../../transport/index.js'
import { CallObserver } from './call-observer.js'
import { drawFaults, type FaultRates } from './draw-faults.js'
import { callLine, logLine, messageLine, registrationLine, snapshotLine, standingLine } from './event-lines.js'
import { EventLog } from './event-log.js'
import { FaultInjector } from './fault-injector.js'
import { parseFaults } from './fault-marbles.js'
import type { Fault, FaultLetter } from './fault.js'
import { Latency } from './latency.js'
import { Life } from './life.js'
import type { FrameSent, Invariant, ObservedWorld, ProcessStep } from './observed.js'
import { processContext } from './process-context.js'
import { Process, type ProcessOwner } from './process.js'
import { within } from './reach.js'
import { RealWork } from './real-work.js'
import { seedOf } from './seed-of.js'
import type { ResolvedSimulateOptions, Violation } from './simulate-options.js'
import { ReachedLogs } from './reached-log.js'
import { seenBroker } from './seen-broker.js'
import { SimulatedBroker } from './simulated-broker.js'
import { SimulatedLogs } from './simulated-logs.js'
import { SimulatedRegistry } from './simulated-registry.js'
import { Clock, runtimeOn, Timeline, type TimelineOwner } from './timeline.js'
import { Weather } from './weather.js'
import type { ProcessContext, Program, Scenario, SimulatedProcess, World } from './world.js'

const PROCESS_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?$/
const RESERVED = new Set(['registry', 'broker', 'world'])

/** One run of a scenario: all that is in it, and what it is told by. */
export class Simulation implements TimelineOwner, ProcessOwner {
  /** What the scenario is given. */
  readonly world: World
  /** What invariants are given. */
  readonly observed: ObservedWorld
  /** Everything that happened. */
  readonly log: EventLog
  /** What the run showed to be broken; the run ends with the first. */
  readonly violations: Violation[]
  /** The faults of the run: the scenario's, and then those of the options. */
  readonly faults: Fault[]
  /** Those of the options. */
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
  private readonly logsServer: SimulatedLogs
  private readonly brokerRuntime: Runtime
  private readonly processes: Map<string, Process>
  private readonly latency: Latency
  private readonly injector: FaultInjector
  private readonly events$: Subject<void>
  private readonly frames$: Subject<FrameSent>
  private readonly processes$: Subject<ProcessStep>
  private readonly end$: Subject<void>
  private hasBegun: boolean

  constructor(options: ResolvedSimulateOptions) {
    const { seed, latencyMs, leaseMs } = options
    this.options = options
    this.timeline = new Timeline(this)
    const clockOf = (name: string): Runtime =>
      runtimeOn(this.timeline, new Clock(this.timeline, name, 0), seedOf(seed, name))
    this.log = new EventLog()
    this.violations = []
    this.faults = []
    this.injected = []
    this.realWork = new RealWork()
    this.weather = new Weather()
    this.processes = new Map()
    this.latency = new Latency(latencyMs, (from, to) => clockOf(`latency ${from} ${to}`))
    this.observer = new CallObserver(() => this.now())
    this.registryServer = new SimulatedRegistry({ runtime: clockOf('registry'), leaseMs })
    this.brokerServer = new SimulatedBroker({ runtime: clockOf('broker'), latencyMs: latencyMs.median })
    this.brokerRuntime = clockOf('logs')
    this.logsServer = new SimulatedLogs(this.brokerRuntime)
    this.injector = new FaultInjector({
      processes: this.processes,
      weather: this.weather,
      registry: this.registryServer,
      broker: this.brokerServer,
      logs: this.logsServer,
    })
    this.events$ = new Subject()
    this.frames$ = new Subject()
    this.processes$ = new Subject()
    this.end$ = new Subject()
    this.hasBegun = false
    this.world = this.newWorld(clockOf('world'))
    this.observed = this.newObserved()
    this.network = memoryNetwork({
      latencyMs: latencyMs.min,
      faults: {
        link: ({ from, to }) => this.weather.connection(hostIn(from), hostIn(to)),
        frame: frame => this.sent(frame),
      },
    })
    this.observer.steps$.subscribe(step => this.tell((step.run ?? step.call).process, callLine(step)))
    this.logsServer.steps$.subscribe(step => this.tell('process' in step ? step.process : 'broker', messageLine(step)))
    this.registryServer.steps$.subscribe(step => {
      this.tell(step.process, registrationLine(step))
      this.tell(step.process, standingLine(step))
      this.tell(step.process, snapshotLine(step))
    })
  }

  /** Lets the scenario put the cluster together. */
  build(scenario: Scenario): void {
    const built: unknown = scenario(this.world)
    if (built instanceof Promise) throw unfinished()
  }

  /** Begins: the faults are known, the processes start. */
  begin(): void {
    const { faults } = this.options
    this.injected = isPlan(faults) ? faults : this.drawn(faults)
    this.add(this.injected)
    for (const fault of this.faults) this.injector.check(fault)
    this.hasBegun = true
    for (const fault of this.faults) this.plan(fault)
    for (const process of this.processes.values()) process.start()
  }

  /** Runs until the end, a violation, or promises that must be waited for; gives whether it is to be run again. */
  proceed(): boolean {
    return this.timeline.run(this.options.duration, () => this.mustPause())
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

  /** Watches an invariant. */
  watch({ name, violations }: Invariant): void {
    defer(() => violations(this.observed)).subscribe({
      next: message => this.violated(name, message),
      error: error => this.violated(name, `the invariant itself failed: ${String(error)}`),
    })
  }

  /** World time, ms. */
  now(): number {
    return this.timeline.now
  }

  happened(): void {
    if (this.realWork.found.length > 0) this.reportRealWork()
    this.events$.next()
  }

  threw(clock: Clock, error: unknown): void {
    this.violated('errors are handled', `${clock.name}: ${String(error)}`)
  }

  /** Nobody has handled an error. */
  unhandled(error: unknown): void {
    this.realWork.hasUnhandled = false
    this.violated('errors are handled', `nobody handled ${String(error)}`)
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
      const where = `${what}, in ${this.timeline.running}`
      const remedy = "give timers the context's runtime.scheduler, and use what else the context has"
      this.violated('time and I/O are virtual', `${where}; ${remedy}`)
    }
  }

  newLife(name: string, life: number, skewMs: number): Life {
    const clock = new Clock(this.timeline, name, skewMs)
    return new Life(clock, this.timeline, life, seedOf(this.options.seed, `${name} ${life}`))
  }

  contextOf(life: Life): ProcessContext {
    const { process: name } = life
    const note = (text: string): void => this.write(name, text)
    const log: Log = event => note(logLine(event))
    const path = {
      link$: this.weather.connection(name, 'registry'),
      toStoreMs: () => this.latencyMs(name, 'registry'),
      toProcessMs: () => this.latencyMs('registry', name),
    }
    const broker = this.brokerServer.reachedBy(life, this.weather.passable(name, 'broker'))
    const reached = new ReachedLogs({
      ...{ title: 'the simulated log', reason: 'broker_unavailable', status$: broker.status$ },
      ...{ store: this.logsServer, storeRuntime: this.brokerRuntime, runtime: life.runtime },
      isLive: () => life.isLive(),
      link$: within(life, this.weather.connection(name, 'broker')),
      toStoreMs: () => this.latencyMs(name, 'broker'),
      toProcessMs: () => this.latencyMs('broker', name),
    })
    return processContext(life, {
      transport: this.network.host({ name, runtime: life.runtime }),
      ...this.registryServer.reachedBy(life, path, log),
      broker,
      logs: { messages: reached.log('messages'), dead: reached.log('dead') },
      seen: made => seenBroker(made, life, this.logsServer.steps$),
      observer: this.observer,
      log,
      note,
    })
  }

  changed(step: ProcessStep): void {
    this.write(step.process, step.step)
    this.processes$.next(step)
  }

  failed(name: string, error: unknown): void {
    this.violated('errors are handled', `${name} failed: ${String(error)}`)
  }

  disconnect(name: string, isDark: boolean): void {
    if (isDark) this.weather.setDark(name, true)
    else this.weather.breakOff(name, 'lost')
  }

  connect(name: string): void {
    this.weather.setDark(name, false)
  }

  private mustPause(): boolean {
    return this.violations.length > 0 || this.realWork.takeUnsettled() || this.realWork.hasUnhandled
  }

  private drawn(rates: FaultRates): readonly Fault[] {
    const { settleMs, duration, seed } = this.options
    const processes = [...this.processes.keys()]
    const ends = [...processes, 'registry', 'broker']
    const links = processes.flatMap((a, index) => ends.slice(index + 1).map((b): [string, string] => [a, b]))
    const runtime = runtimeOn(this.timeline, new Clock(this.timeline, 'faults', 0), seedOf(seed, 'faults'))
    return drawFaults(rates, { processes, links, untilMs: duration - settleMs, runtime })
  }

  /** Made of functions, which a scenario may take out of it. */
  private newWorld(runtime: Runtime): World {
    const draw = (lane: FaultLetter['lane'], targets: readonly string[], diagram: string): void =>
      this.add(parseFaults(lane, targets, diagram, this.options.duration))
    return {
      runtime,
      process: (name, program) => this.newProcess(name, program),
      link: (a, b, diagram) => draw('link', [a, b], diagram),
      fault: (process, diagram) => draw('process', [process], diagram),
      registry: diagram => draw('registry', [], diagram),
      broker: diagram => draw('broker', [], diagram),
      skew: (process, ms) => this.add([{ kind: 'skew', targets: [process], at: 0, ms }]),
      invariant: invariant => this.watch(invariant),
    }
  }

  private newObserved(): ObservedWorld {
    return {
      now: () => this.now(),
      faults: this.faults,
      events$: this.events$,
      calls$: this.observer.steps$,
      frames$: this.frames$,
      registry$: this.registryServer.steps$,
      messages$: this.logsServer.steps$,
      processes$: this.processes$,
      registered: () => this.registryServer.registered(),
      registered$: this.registryServer.registered$,
      isLive: (process, life) => this.processes.get(process)?.running?.life === life,
      end$: this.end$,
    }
  }

  private newProcess(name: string, program: Program): SimulatedProcess {
    if (!PROCESS_NAME.test(name) || RESERVED.has(name)) throw invalidName(name, 'use letters, digits and -')
    if (this.processes.has(name)) throw invalidName(name, 'it is taken')
    const process = new Process(name, program, this)
    this.processes.set(name, process)
    return process
  }

  private add(faults: readonly Fault[]): void {
    if (this.hasBegun) throw tooLate()
    this.faults.push(...faults)
  }

  private plan(fault: Fault): void {
    const { kind, targets, at, ms } = fault
    const { scheduler } = this.world.runtime
    if (kind === 'skew') return this.injector.begin(fault)
    const name = `${kind} ${targets.join(' ')}`.trimEnd()
    scheduler.schedule(() => {
      this.write('world', name)
      this.injector.begin(fault)
    }, at)
    if (kind === 'reset') return
    scheduler.schedule(() => {
      this.write('world', `${name} is over`)
      this.injector.end(fault)
    }, at + ms)
  }

  private tell(who: string, what: string | undefined): void {
    if (what !== undefined) this.write(who, what)
  }

  /** Sees a frame off, and gives how much longer it takes than the least. */
  private sent({ link, toward, bytes }: MemoryFrame): number {
    const [dialer, listener] = [hostIn(link.from), hostIn(link.to)]
    const [from, to] = toward === 'listener' ? [dialer, listener] : [listener, dialer]
    this.log.add(this.now(), from, `#${link.index} ${bytes.length} bytes to ${to}`, bytes)
    this.frames$.next({ connection: link.index, from, to, toward, bytes })
    return this.latencyMs(from, to) - this.options.latencyMs.min
  }

  /** How long the next packet takes. */
  private latencyMs(from: string, to: string): number {
    return this.latency.draw(from, to) * this.weather.slowness(from, to)
  }
}

function isPlan(faults: ResolvedSimulateOptions['faults']): faults is readonly Fault[] {
  return Array.isArray(faults)
}

/** The process in an address: `orders-1` in `memory:orders-1:2` and in `memory:orders-1~7`. */
function hostIn(address: string): string {
  const name = address.slice(address.indexOf(':') + 1)
  return name.replace(/[:~][^:~]*$/, '')
}

function invalidName(name: string, remedy: string): RpcError {
  const message = `process: a process cannot be called ${JSON.stringify(name)}: ${remedy}`
  return new RpcError('INVALID_ARGUMENT', message, { reason: 'invalid_scenario' })
}

function unfinished(): RpcError {
  const message =
    'simulate: the scenario gives a promise, but the cluster has to be put together when it returns; ' +
    'await within a process'
  return new RpcError('INVALID_ARGUMENT', message, { reason: 'invalid_scenario' })
}

function tooLate(): RpcError {
  const message =
    'a fault is drawn before the run begins: in the scenario, not in a process; within a run, call crash()'
  return new RpcError('INVALID_ARGUMENT', message, { reason: 'invalid_scenario' })
}
