import {
  BehaviorSubject,
  combineLatest,
  delay,
  map,
  Observable,
  of,
  Subject,
  Subscription,
  switchMap,
  tap,
  timer,
  type SchedulerLike,
} from 'rxjs'
import type { Runtime } from '../../core/index.js'
import {
  interrupted,
  memoryRegistry,
  type Instance,
  type Registration,
  type Registry,
  type Snapshot,
} from '../../registry/index.js'
import type { Life } from './life.js'
import { reachable, within } from './reach.js'
import type { RegistryStep } from './observed.js'

/** How the registry of a simulation is set up. */
export interface SimulatedRegistryOptions {
  /** The registry's own time. */
  readonly runtime: Runtime
  /** How long a process that cannot be reached stays registered, ms. */
  readonly leaseMs: number
  /** Time from a process to the registry or back, ms. */
  readonly latencyMs: number
}

/**
 * A registry on a machine of its own, as etcd is: a memory registry that processes reach over links which may be cut,
 * and that forgets those whose lease runs out.
 */
export class SimulatedRegistry {
  /** What it is told and what it shows. */
  readonly steps$: Subject<RegistryStep>
  private readonly server: Registry
  private readonly options: SimulatedRegistryOptions
  private readonly down$: BehaviorSubject<boolean>
  private known: Snapshot

  constructor(options: SimulatedRegistryOptions) {
    this.steps$ = new Subject()
    this.server = memoryRegistry({ runtime: options.runtime })
    this.options = options
    this.down$ = new BehaviorSubject(false)
    this.known = { services: [], asOf: 0, stale: false }
    this.server.watch().subscribe(snapshot => (this.known = snapshot))
  }

  /** What is registered at this moment. */
  registered(): Snapshot {
    return this.known
  }

  /** Takes it down, or up again. What was registered stays so while it is down: nobody's lease runs. */
  setDown(down: boolean): void {
    this.down$.next(down)
  }

  /** The registry as one life of a process reaches it; `passable$` says whether anything gets through. */
  reachedBy(life: Life, passable$: Observable<boolean>): Registry {
    const { latencyMs } = this.options
    const { scheduler } = life.runtime
    const reachable$ = reachable(life, passable$, this.down$)
    const server = interrupted(this.server, reachable$.pipe(map(reachable => !reachable)))
    const step = (seen: Omit<RegistryStep, 'process' | 'life'>): void =>
      this.steps$.next({ process: life.process, life: life.life, ...seen })
    return {
      name: 'simulated',
      register: instance$ => {
        const told$ = instance$.pipe(
          tap({
            next: instance => step({ instance }),
          }),
        )
        return within(life, this.lease(life, told$, reachable$, step))
      },
      watch: name =>
        within(
          life,
          server.watch(name).pipe(
            delay(latencyMs, scheduler),
            tap(snapshot => step({ snapshot, watching: name })),
          ),
        ),
      get: name => within(life, server.get(name).pipe(delay(latencyMs, scheduler))),
      list: () => within(life, server.list().pipe(delay(latencyMs, scheduler))),
    }
  }

  /** Keeps an instance registered as long as its process can be reached, and for the lease after that. */
  private lease(
    life: Life,
    instance$: Observable<Instance>,
    reachable$: Observable<boolean>,
    step: (seen: Omit<RegistryStep, 'process' | 'life'>) => void,
  ): Observable<Registration> {
    const { runtime, leaseMs, latencyMs } = this.options
    return new Observable(subscriber => {
      const session = new Session(this.server, runtime.scheduler)
      let latest: Instance | undefined
      let reachable = false
      let isLeaving = false
      const back = (task: () => void): void => subscriber.add(life.runtime.scheduler.schedule(() => task(), latencyMs))
      const send = (): void => {
        if (!reachable) return
        const instance = latest
        if (isLeaving) {
          session.later(latencyMs, () => {
            session.unsubscribe()
            back(() => subscriber.complete())
          })
        } else if (instance !== undefined) {
          session.later(latencyMs, () => {
            session.put(instance, error => back(() => subscriber.error(error)))
            back(() => subscriber.next({ instance }))
          })
        }
      }
      const leave = (): void => {
        if (latest !== undefined) step({ instance: latest, gone: true })
        isLeaving = true
      }
      // The lease is the registry's: it outlives the process, and runs out when nothing is heard of it.
      const leases = combineLatest([reachable$, this.down$])
        .pipe(
          switchMap(([heard, down]) =>
            heard || down ? of(heard) : timer(leaseMs, runtime.scheduler).pipe(map(() => undefined)),
          ),
        )
        .subscribe(heard => {
          if (heard === undefined) session.expire(life.isLive())
        })
      session.add(leases)
      const reaching = reachable$.subscribe(now => {
        reachable = now
        send()
      })
      subscriber.add(reaching)
      subscriber.add(
        instance$.subscribe({
          next: instance => {
            latest = instance
            send()
          },
          error: error => subscriber.error(error),
          complete: () => {
            leave()
            send()
          },
        }),
      )
      subscriber.add(() => {
        if (!life.isLive()) return // says nothing; its lease runs out
        const isTold = isLeaving || !reachable
        leave()
        if (isTold) session.later(leaseMs, () => session.unsubscribe())
        else send()
      })
    })
  }
}

/** What the registry knows of one registration. */
class Session extends Subscription {
  private readonly server: Registry
  private readonly scheduler: SchedulerLike
  private registration: Subscription | undefined
  private instances: BehaviorSubject<Instance> | undefined

  constructor(server: Registry, scheduler: SchedulerLike) {
    super(() => this.withdraw())
    this.server = server
    this.scheduler = scheduler
    this.registration = undefined
    this.instances = undefined
  }

  /** Runs `task` at the registry when it has arrived there. */
  later(latencyMs: number, task: () => void): void {
    this.scheduler.schedule(() => task(), latencyMs)
  }

  /** Registers, or replaces what is registered. */
  put(instance: Instance, refused: (error: unknown) => void): void {
    if (this.closed) return
    if (this.instances !== undefined) return this.instances.next(instance)
    this.instances = new BehaviorSubject(instance)
    this.registration = this.server.register(this.instances).subscribe({ error: refused })
  }

  /** The lease has run out; who is alive renews it later. */
  expire(isLive: boolean): void {
    if (isLive) this.withdraw()
    else this.unsubscribe()
  }

  private withdraw(): void {
    this.registration?.unsubscribe()
    this.registration = undefined
    this.instances = undefined
  }
}
