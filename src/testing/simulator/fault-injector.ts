import { RpcError } from '../../core/index.js'
import { faultLetters, type Fault } from './fault.js'
import type { Process } from './process.js'
import type { SimulatedBroker } from './simulated-broker.js'
import type { SimulatedLogs } from './simulated-logs.js'
import type { SimulatedRegistry } from './simulated-registry.js'
import { isOf, type Weather } from './weather.js'

/** What an event takes a slow process, ms. */
const SLOW_TURN_MS = 5
/** What has links, too. */
const SERVERS: readonly string[] = ['registry', 'broker']

/** What faults befall. */
export interface FaultVictims {
  /** The processes, by name. */
  readonly processes: ReadonlyMap<string, Process>
  /** The links between them. */
  readonly weather: Weather
  /** The registry. */
  readonly registry: SimulatedRegistry
  /** The broker. */
  readonly broker: SimulatedBroker
  /** The logs on the broker's machine. */
  readonly logs: SimulatedLogs
}

/** Lets faults begin and end. */
export class FaultInjector {
  private readonly victims: FaultVictims
  private readonly active: Set<Fault>

  constructor(victims: FaultVictims) {
    this.victims = victims
    this.active = new Set()
  }

  /** Throws when a fault is of nobody, or of a clock that would show a time before all time. */
  check({ kind, targets, ms }: Fault): void {
    const processes = [...this.victims.processes.keys()]
    const isOfLink = kind !== 'skew' && faultLetters[kind].lane === 'link'
    const names = isOfLink ? [...processes, ...SERVERS] : processes
    for (const target of targets) {
      if (target === '*' || names.some(name => isOf(target, name))) continue
      throw invalid(
        `${kind}: no process is called ${JSON.stringify(target)}; there are ${processes.join(', ') || 'none'}`,
      )
    }
    if (kind === 'skew' && !(ms >= 0 && ms < Infinity)) throw invalid(`skew: expected 0 or more ms, got ${ms}`)
  }

  /** It begins. */
  begin(fault: Fault): void {
    const { weather } = this.victims
    this.active.add(fault)
    switch (fault.kind) {
      case 'crash':
        return this.each(fault, process => process.takeDown(() => process.crash()))
      case 'vanish':
        return this.each(fault, process => process.takeDown(() => process.vanish()))
      case 'restart':
        return this.each(fault, process => process.takeDown(() => process.stop()))
      case 'slow':
        return this.slowDown(fault)
      case 'skew':
        return this.each(fault, process => process.setClock(fault.ms))
      case 'registryWipe':
        this.setServers()
        return this.victims.registry.wipe()
      case 'registryOutage':
      case 'registryCompaction':
      case 'brokerOutage':
        return this.setServers()
      default:
        return weather.begin(fault)
    }
  }

  /** It is over. */
  end(fault: Fault): void {
    const { weather } = this.victims
    this.active.delete(fault)
    switch (fault.kind) {
      case 'crash':
      case 'vanish':
      case 'restart':
        return this.each(fault, process => process.bringUp())
      case 'slow':
        return this.slowDown(fault)
      case 'registryOutage':
      case 'registryCompaction':
      case 'registryWipe':
      case 'brokerOutage':
        return this.setServers()
      default:
        return weather.end(fault)
    }
  }

  // Faults of one kind may overlap: one goes on when another is over.
  private setServers(): void {
    const { registry, broker, logs } = this.victims
    const kinds = new Set([...this.active].map(({ kind }) => kind))
    registry.setForgetful(kinds.has('registryCompaction'))
    registry.setDown(kinds.has('registryOutage') || kinds.has('registryWipe'))
    broker.setDown(kinds.has('brokerOutage'))
    logs.setDown(kinds.has('brokerOutage'))
  }

  private slowDown(fault: Fault): void {
    const slow = [...this.active].filter(({ kind }) => kind === 'slow')
    this.each(fault, process => process.slowDown(slow.some(each => befalls(each, process)) ? SLOW_TURN_MS : 0))
  }

  private each(fault: Fault, befall: (process: Process) => void): void {
    for (const process of this.victims.processes.values()) if (befalls(fault, process)) befall(process)
  }
}

function befalls({ targets }: Fault, { name }: Process): boolean {
  return targets.some(target => isOf(target, name))
}

function invalid(message: string): RpcError {
  return new RpcError('INVALID_ARGUMENT', message, { reason: 'invalid_scenario' })
}
