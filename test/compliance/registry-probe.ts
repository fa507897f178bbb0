import { RpcError } from 'millrace/core'
import type { Instance, Registration, Registry, Service, Snapshot } from 'millrace/registry'
import { BehaviorSubject, type Observable, Subject, type Subscription } from 'rxjs'
import { eventually } from '../support/deadline.js'

/** An instance of a service; what is not said is the same for all. */
export function instanceOf(
  name: string,
  id: string,
  { version = '1.0.0', address = '127.0.0.1:4000' }: { readonly version?: string; readonly address?: string } = {},
): Instance {
  return {
    name,
    version,
    metadata: { team: 'word count' },
    endpoints: [
      {
        name: `${name}.count`,
        request: { name: 'text', type: 'string', values: null },
        response: { name: 'Tally', type: 'object', values: [{ name: 'words', type: 'number', values: null }] },
        metadata: { stream: 'true' },
      },
    ],
    node: { id, address, metadata: { protocol: 'rsocket', transport: 'tcp', zone: 'zürich' } },
  }
}

/** The service that a registry shows when only `instance` is registered. */
export function serviceOf({ node, ...service }: Instance): Service {
  return { ...service, nodes: [node] }
}

/** Services in short: `words@1.0.0 a b`. */
export function shortly(services: readonly Service[]): readonly string[] {
  return services.map(({ name, version, nodes }) => [`${name}@${version}`, ...nodes.map(({ id }) => id)].join(' '))
}

/** One running `watch`. */
export class Watch {
  readonly snapshots: Snapshot[] = []
  error: unknown
  private readonly subscription: Subscription

  constructor(registry: Registry, name?: string) {
    this.subscription = registry.watch(name).subscribe({
      next: snapshot => this.snapshots.push(snapshot),
      error: (error: unknown) => (this.error = error),
    })
  }

  get last(): Snapshot | undefined {
    return this.snapshots.at(-1)
  }

  get shown(): readonly string[] {
    return this.last === undefined ? ['nothing yet'] : shortly(this.last.services)
  }

  /** Waits until exactly these are shown. */
  async shows(services: readonly string[], ms: number): Promise<void> {
    const wanted = JSON.stringify(services)
    try {
      await eventually(() => JSON.stringify(this.shown) === wanted, ms, wanted)
    } catch (error) {
      throw new Error(`the watch does not show ${wanted} but ${JSON.stringify(this.shown)}`, { cause: error })
    }
  }

  stop(): void {
    this.subscription.unsubscribe()
  }
}

/** One running `register`. */
export class Registering {
  readonly instance$: Subject<Instance>
  readonly announced: Registration[] = []
  completed = false
  error: unknown
  private readonly subscription: Subscription

  constructor(registry: Registry, first?: Instance) {
    this.instance$ = first === undefined ? new Subject() : new BehaviorSubject(first)
    this.subscription = registry.register(this.instance$).subscribe({
      next: registration => this.announced.push(registration),
      error: (error: unknown) => (this.error = error),
      complete: () => (this.completed = true),
    })
  }

  /** Completes the instances and waits for the acknowledgement. */
  async ends(ms: number): Promise<void> {
    this.instance$.complete()
    await eventually(() => this.completed, ms, 'the acknowledged end of a registration')
  }

  stop(): void {
    this.subscription.unsubscribe()
  }
}

/** The one value of an answer, or the error it failed with. */
export function answerOf<T>(answer$: Observable<T>): Promise<T | RpcError> {
  return new Promise((resolve, reject) => {
    let answer: { readonly value: T } | undefined
    answer$.subscribe({
      next: value => {
        if (answer !== undefined) reject(new Error('a second answer'))
        answer = { value }
      },
      error: (error: unknown) => (RpcError.is(error) ? resolve(error) : reject(error)),
      complete: () => (answer === undefined ? reject(new Error('no answer')) : resolve(answer.value)),
    })
  })
}
