import {
  BehaviorSubject,
  concatMap,
  delay,
  map,
  mergeMap,
  NEVER,
  Observable,
  of,
  Subscription,
  switchMap,
  take,
  throwError,
} from 'rxjs'
import { retrySafely, RpcError, silentLog, type Runtime } from '../../core/index.js'
import { memoryBroker, type Broker, type Event } from '../../broker/index.js'
import { acknowledged, deliver, hold } from '../../streams/index.js'
import type { Life } from './life.js'
import { reachable, within } from './reach.js'

/** How the broker of a simulation is set up. */
export interface SimulatedBrokerOptions {
  /** The broker's own time. */
  readonly runtime: Runtime
  /** Time from a process to the broker or back, ms. */
  readonly latencyMs: number
}

/**
 * A broker on a machine of its own: a memory broker that processes reach over links which may be cut. Who cannot reach it
 * publishes in vain and is nobody's subscriber; what it had and did not acknowledge goes to others.
 */
export class SimulatedBroker {
  private readonly server: Broker
  private readonly options: SimulatedBrokerOptions
  private readonly down$: BehaviorSubject<boolean>

  constructor(options: SimulatedBrokerOptions) {
    this.server = memoryBroker({ runtime: options.runtime, log: silentLog })
    this.options = options
    this.down$ = new BehaviorSubject(false)
  }

  /** Takes it down, or up again. */
  setDown(down: boolean): void {
    this.down$.next(down)
  }

  /** The broker as one life of a process reaches it. */
  reachedBy(life: Life, passable$: Observable<boolean>): Broker {
    const { runtime, latencyMs } = this.options
    const { scheduler } = life.runtime
    const reachable$ = reachable(life, passable$, this.down$)
    const whileReachable = <T>(isSent: boolean): ((source: Observable<T>) => Observable<T>) =>
      mergeMap(value =>
        reachable$.pipe(
          take(1),
          mergeMap(now => (now ? of(value) : throwError(() => unreachable(isSent)))),
        ),
      )
    const asked = <T>(work: () => Observable<T>): Observable<T> =>
      within(
        life,
        of(undefined).pipe(
          whileReachable(false),
          delay(latencyMs, runtime.scheduler),
          whileReachable(false),
          concatMap(work),
          delay(latencyMs, scheduler),
          whileReachable(true),
        ),
      )
    const followed = <T>(source: Observable<T>): Observable<T> =>
      within(life, reachable$.pipe(switchMap(now => (now ? source : NEVER))))
    const { deadLetters } = this.server
    return {
      name: 'simulated',
      status$: reachable$.pipe(map(now => (now ? connected : disconnected))),
      deadLetters: {
        added$: followed(deadLetters.added$.pipe(delay(latencyMs, scheduler))),
        list: filter => asked(() => deadLetters.list(filter)),
        replay: replayOptions => asked(() => deadLetters.replay(replayOptions)),
        drop: filter => asked(() => deadLetters.drop(filter)),
      },
      publish: (topic, message, publishOptions) => asked(() => this.server.publish(topic, message, publishOptions)),
      subscribe: (topic, options) => followed(arriving(life, this.server.subscribe(topic, options))),
    }
  }
}

const connected = { state: 'connected', server: 'simulated' } as const
const disconnected = { state: 'disconnected' } as const

/** Hands events over in events of the process, which holds them until it has consumed them. */
function arriving(life: Life, events$: Observable<Event>): Observable<Event> {
  return new Observable(subscriber =>
    events$.subscribe({
      next: event => {
        const release = hold()
        // It goes back when the process, or its way to the broker, ends before it was consumed.
        const underWay = new Subscription(() => release?.(unreachable(true)))
        const consumed = (error?: unknown): void => {
          release?.(life.isLive() ? error : unreachable(true))
          underWay.unsubscribe() // nothing is kept of what has been consumed
        }
        const onConsumed = release?.naks === true ? acknowledged(consumed) : consumed
        subscriber.add(underWay)
        underWay.add(life.runtime.scheduler.schedule(() => deliver(subscriber, event, onConsumed)))
      },
      error: error => subscriber.error(error),
    }),
  )
}

function unreachable(isSent: boolean): RpcError {
  const message = isSent ? 'the broker may have the message, but its receipt is lost' : 'the broker cannot be reached'
  return new RpcError('UNAVAILABLE', message, { reason: 'broker_unavailable', ...(!isSent && { retry: retrySafely }) })
}
