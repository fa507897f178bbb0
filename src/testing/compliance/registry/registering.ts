import { BehaviorSubject, Subject } from 'rxjs'
import type { Instance, Registration, Registry } from '../../../registry/index.js'
import { eventually } from '../waiting.js'

/** One running `register`. */
export interface Registering {
  /** What is registered. */
  readonly instance$: Subject<Instance>
  /** What was announced. */
  readonly announced: readonly Registration[]
  /** What others may not see, as it was told. */
  readonly lost: readonly Registration[]
  /** Whether its end was acknowledged. */
  readonly completed: boolean
  /** What it failed with. */
  readonly error: unknown
  /** Completes the instances and waits for the acknowledgement. */
  ends(patienceMs: number): Promise<void>
  /** Unsubscribes it. */
  stop(): void
}

/** Registers `first`, and whatever its `instance$` is given later. */
export function register(registry: Registry, first?: Instance): Registering {
  const instance$ = first === undefined ? new Subject<Instance>() : new BehaviorSubject(first)
  const announced: Registration[] = []
  const lost: Registration[] = []
  const end: { completed: boolean; error: unknown } = { completed: false, error: undefined }
  const subscription = registry.register(instance$).subscribe({
    next: registration => (registration.lost === undefined ? announced : lost).push(registration),
    error: (error: unknown) => (end.error = error),
    complete: () => (end.completed = true),
  })
  return Object.assign(end, {
    instance$,
    announced,
    lost,
    async ends(patienceMs: number): Promise<void> {
      instance$.complete()
      await eventually(() => end.completed, patienceMs, 'the acknowledged end of a registration')
    },
    stop: () => subscription.unsubscribe(),
  })
}
