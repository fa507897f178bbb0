import {
  catchError,
  concat,
  defer,
  EMPTY,
  filter,
  finalize,
  of,
  ReplaySubject,
  retry,
  share,
  tap,
  throwError,
  timer,
  type Observable,
} from 'rxjs'
import {
  having,
  integer,
  MAX_TIMER_MS,
  number,
  optional,
  resolveOptions,
  retrySafely,
  RpcError,
  systemRuntime,
  type Runtime,
} from '../core/index.js'
import type { Registry, Service, Snapshot } from './registry.js'

/** Options of {@link cached}. */
export interface CachedOptions {
  /** How long an answer is good for, ms. @default 60_000, go-micro's */
  readonly ttlMs?: number
  /** Most names whose answers are kept; beyond it, the one that was asked for longest ago is forgotten. @default 1000 */
  readonly maxNames?: number
  /** How long a watch that failed waits before it is begun again, ms. @default 1000 */
  readonly watchAgainMs?: number
  /** Whose clock answers age by. @default `systemRuntime()` */
  readonly runtime?: Runtime
}

/** A registry that remembers. */
export interface CachedRegistry extends Registry {
  /** How long ago the source confirmed what `get(name)` would give now, ms; `undefined` when it never has. */
  age(name: string): number | undefined
}

interface Answer<T> {
  readonly value: T
  readonly at: number
}

/**
 * Remembers what a registry has said, for registries that are slow, dear or at times down.
 *
 * - `get` and `list` ask once for all who ask at the same time, and not again for `ttlMs`. When asking fails, the last good
 *   answer is given, however old; without one the failure is passed on.
 * - All watchers of a name share one watch, and one that comes later sees the present picture at once. A picture is never
 *   emptied by a failure: a watch that fails or ends shows its last one as stale, and is begun again.
 * - `register` is the source's own.
 *
 * Throws INVALID_ARGUMENT (reason `invalid_options`).
 */
export function cached(registry: Registry, options?: CachedOptions): CachedRegistry {
  const resolved = resolveOptions<Required<CachedOptions>>(
    'cached',
    {
      ttlMs: optional(number({ min: 0, max: MAX_TIMER_MS }), 60_000),
      maxNames: optional(integer({ min: 1, max: Infinity }), 1000),
      watchAgainMs: optional(number({ min: 1, max: MAX_TIMER_MS }), 1000),
      runtime: optional(having<Runtime>('scheduler'), systemRuntime()),
    },
    options,
  )
  return new Cached(registry, resolved)
}

class Cached implements CachedRegistry {
  readonly name: string
  private readonly source: Registry
  private readonly options: Required<CachedOptions>
  /** Services by name. */
  private readonly services: Answers<readonly Service[]>
  /** The names of all services, under one key. */
  private readonly names: Answers<readonly string[]>
  /** What is being watched, by name; under `undefined` everything. */
  private readonly watched: Map<string | undefined, Observable<Snapshot>>

  constructor(source: Registry, options: Required<CachedOptions>) {
    this.name = source.name
    this.source = source
    this.options = options
    this.services = new Answers(options)
    this.names = new Answers(options)
    this.watched = new Map()
  }

  register(...given: Parameters<Registry['register']>): ReturnType<Registry['register']> {
    return this.source.register(...given)
  }

  list(): Observable<readonly string[]> {
    return this.names.of(ALL, () => this.source.list())
  }

  get(name: string): Observable<readonly Service[]> {
    return this.services.of(name, () => this.source.get(name))
  }

  age(name: string): number | undefined {
    return this.services.age(name)
  }

  watch(name?: string): Observable<Snapshot> {
    return defer(() => this.watched.get(name) ?? this.begin(name))
  }

  private begin(name: string | undefined): Observable<Snapshot> {
    const { runtime, watchAgainMs } = this.options
    let last: Snapshot | undefined
    const stale$ = defer(() => (last === undefined || last.stale ? EMPTY : of((last = { ...last, stale: true }))))
    const watched$ = concat(this.source.watch(name), throwError(endedByItself)).pipe(
      // A source that begins again knows nothing at first; what was known is better.
      filter(snapshot => last === undefined || snapshot.asOf > -Infinity),
      tap(snapshot => (last = snapshot)),
      catchError((error: unknown) =>
        isFinal(error)
          ? throwError(() => error)
          : concat(
              stale$,
              throwError(() => error),
            ),
      ),
      retry({
        delay: error => (isFinal(error) ? throwError(() => error) : timer(watchAgainMs, runtime.scheduler)),
      }),
      finalize(() => this.watched.delete(name)),
      share({ connector: () => new ReplaySubject<Snapshot>(1) }),
    )
    this.watched.set(name, watched$)
    return watched$
  }
}

/** The key of what is asked without a name. */
const ALL = ''

/** Answers to questions, by name, and the questions that are being asked. */
class Answers<T> {
  private readonly options: Required<CachedOptions>
  private readonly known: Map<string, Answer<T>>
  private readonly asked: Map<string, Observable<T>>

  constructor(options: Required<CachedOptions>) {
    this.options = options
    this.known = new Map()
    this.asked = new Map()
  }

  /** The answer that is known, while it is good; otherwise the one that `ask` gives. */
  of(name: string, ask: () => Observable<T>): Observable<T> {
    return defer(() => {
      const known = this.known.get(name)
      if (known !== undefined && this.now() - known.at < this.options.ttlMs) return of(known.value)
      return this.asked.get(name) ?? this.ask(name, ask(), known)
    })
  }

  /** How old the answer is, ms; `undefined` when there is none. */
  age(name: string): number | undefined {
    const known = this.known.get(name)
    return known && this.now() - known.at
  }

  private ask(name: string, answer$: Observable<T>, known: Answer<T> | undefined): Observable<T> {
    const asked$ = answer$.pipe(
      tap(value => this.keep(name, value)),
      catchError((error: unknown) => (known === undefined ? throwError(() => error) : of(known.value))),
      finalize(() => this.asked.delete(name)),
      share({ connector: () => new ReplaySubject(1) }),
    )
    this.asked.set(name, asked$)
    return asked$
  }

  private keep(name: string, value: T): void {
    this.known.delete(name) // a Map keeps the order of insertion
    this.known.set(name, { value, at: this.now() })
    if (this.known.size <= this.options.maxNames) return
    const [oldest] = this.known.keys()
    if (oldest !== undefined) this.known.delete(oldest)
  }

  private now(): number {
    return this.options.runtime.scheduler.now()
  }
}

/** Whether watching again is no use: the name itself is refused. */
function isFinal(error: unknown): boolean {
  return RpcError.from(error).code === 'INVALID_ARGUMENT'
}

function endedByItself(): RpcError {
  return new RpcError('UNAVAILABLE', 'the watch has ended by itself', {
    reason: 'registry_unavailable',
    retry: retrySafely,
  })
}
