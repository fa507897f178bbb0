import { actor, clientStream, contract, createServer, duplex, serverStream, tell, unary } from 'millrace/actors'
import { json } from 'millrace/codec'
import { msgpack } from 'millrace/codec/msgpack'
import { emptyHeader, messageOf, type Log, type Message, type Runtime } from 'millrace/core'
import type { Call, Connection, Peer } from 'millrace/protocol'
import type { RSocketOptions } from 'millrace/protocol/rsocket'
import { paced } from 'millrace/streams'
import {
  catchError,
  concat,
  defer,
  delay,
  EMPTY,
  filter,
  finalize,
  NEVER,
  of,
  reduce,
  repeat,
  takeUntil,
  throwError,
  timer,
  type Observable,
} from 'rxjs'

/** The service under attack: every kind of endpoint, handlers that fail, wait, or go on for ever. */
const Test = contract('test', {
  echo: unary<unknown, unknown>(),
  fails: unary<unknown, unknown>(),
  later: unary<unknown, unknown>(),
  never: unary<unknown, unknown>(),
  note: tell<unknown>(),
  failingNote: tell<unknown>(),
  numbers: serverStream<unknown, number>(),
  forever: serverStream<unknown, number>(),
  failsLate: serverStream<unknown, number>(),
  chat: duplex<unknown, unknown>(),
  deaf: duplex<unknown, unknown>(),
  sum: clientStream<unknown, number>(),
})

/** What each stream of the well-behaved client gives. */
export const NUMBERS: readonly number[] = Array.from({ length: 20 }, (_, index) => index)

/** Handlers that run now. */
export interface Running {
  handlers: number
}

/** Options of both roles under attack: times and limits are small, so that they are reached within the run. */
export const targetOptions: RSocketOptions = {
  codec: json(),
  codecs: [msgpack()],
  maxStreams: 200,
  fragmentBytes: 64,
  maxPayloadBytes: 250,
  maxReassemblyBytes: 400,
  maxReassemblies: 4,
  maxLifetimeMs: 30_000,
  setupTimeoutMs: 500,
  closeTimeoutMs: 100,
}

/** What servers and clients under attack add, each to some: limits on requests, and sessions that outlive connections. */
export const variants: readonly RSocketOptions[] = [
  {},
  { lease: { perSecond: 20 } },
  { honorLease: true },
  { resume: { sessionMs: 300, maxRetainedBytes: 262_144, maxDetached: 20, maxDetachedBytes: 1_000_000 } },
]

/** A server of the service; `running` counts its handlers. */
export function targetServer(runtime: Runtime, log: Log, running: Running): Peer {
  const counted = <T>(source: Observable<T>): Observable<T> =>
    defer(() => {
      running.handlers++
      return source.pipe(finalize(() => running.handlers--))
    })
  const fails = throwError(() => new TypeError('on purpose'))
  const behaviour = {
    echo: (value: unknown) => counted(of(value)),
    fails: () => counted(fails),
    later: (value: unknown) => counted(of(value).pipe(delay(5, runtime.scheduler))),
    never: () => counted(NEVER),
    note: () => counted(EMPTY),
    failingNote: () => counted(fails),
    numbers: () => counted(paced(NUMBERS)),
    forever: () => counted(concat(paced(NUMBERS), NEVER)),
    failsLate: () => counted(concat(of(1), fails)),
    chat: (value$: Observable<unknown>) => counted(value$),
    deaf: () => counted(NEVER),
    sum: (value$: Observable<unknown>) => counted(value$.pipe(reduce(count => count + 1, 0))),
  }
  return createServer({ actors: [actor(Test, behaviour)], runtime, log })
}

/** Makes calls of every kind to the other side, again and again, for as long as it takes them, and hears its pushes. */
export function callAlways(connection: Connection, runtime: Runtime): void {
  const over$ = connection.status.pipe(filter(status => status !== 'open'))
  connection.pushes.subscribe(header => connection.metadataPush({ heard: `${Object.keys(header).length}` }))
  for (const call of callsOf('chat', 'sum', 'numbers', 'echo', 'note')) {
    defer(() => connection.call(call))
      .pipe(
        catchError(() => EMPTY),
        repeat({ delay: () => timer(20, runtime.scheduler) }),
        takeUntil(over$),
      )
      .subscribe()
  }
}

function callsOf(chat: string, sum: string, numbers: string, echo: string, note: string): Call[] {
  const messages: Observable<Message> = concat(of(messageOf(1), messageOf('two')), NEVER)
  return [
    { ...headOf(chat), kind: 'duplex', messages },
    { ...headOf(sum), kind: 'clientStream', messages },
    { ...headOf(numbers), kind: 'serverStream', body: 1 },
    { ...headOf(echo), kind: 'unary', body: 1 },
    { ...headOf(note), kind: 'tell', body: 1 },
  ]
}

const routes = new Map<string, Call['route']>()

/** The part that all calls have. */
export function headOf(endpoint: string): Pick<Call, 'route' | 'header' | 'deadline' | 'key'> {
  const route = routes.get(endpoint) ?? { contract: 'test', version: '1.0.0', endpoint }
  routes.set(endpoint, route)
  return { route, header: emptyHeader, deadline: undefined, key: undefined }
}
