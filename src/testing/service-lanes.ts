import { catchError, mergeMap, of, Subject, type Observable } from 'rxjs'
import { createServer, createStub, type Actor, type Topic } from '../actors/index.js'
import { codes, RpcError, silentLog } from '../core/index.js'
import type { Kind } from '../protocol/index.js'
import { consumedOn } from './consumed-on.js'
import type { LaneContext } from './lane-context.js'
import type { Deliveries, MarbleSource, MarbleValues } from './observable-kit.js'
import { invalidMarbles, parseMarbles, parseSubscription } from './virtual-time.js'
import type { TopicLanes } from './topic-lanes.js'
import { watchedActor, type HandlerObserver } from './watched-actor.js'

/** The lanes of one caller of one endpoint. Those that say what the caller does come before `expectReplies`. */
export interface ServiceLanes {
  /**
   * What the caller sends. To an endpoint that takes a stream it is one call: letters are lower case, `|` is half-close,
   * `#` fails the stream, which the handler sees here; over a network its call is cancelled. To any other endpoint, each
   * letter is a call.
   */
  requests(diagram: string, values?: MarbleValues<unknown>, error?: unknown): void
  /** The deadline of each call, the length of `'-----|'`. */
  deadline(diagram: string): void
  /**
   * How many more replies the caller consumes, digits at their time: `'2---1'`. A reply that is not consumed yet has
   * arrived, and keeps a producer waiting that waits for its consumer.
   */
  demand(diagram: string): void
  /** When the caller unsubscribes: `'----!'`, or `'^---!'` from when it calls. */
  cancel(diagram: string): void
  /**
   * Calls, and expects the replies. `#` is the failure of a call with a stream of requests: `error` says which, where its
   * code or `{ code, reason }` stand for an `RpcError` that has them. Of endpoints where each request is a call, replies
   * are merged, the failure of one is a letter whose value is `{ code, reason }`, and `|` comes when all have ended.
   */
  expectReplies(diagram: string, values?: MarbleValues<unknown>, error?: unknown): void
  /** Expects the requests as they reach the handler. */
  expectRequests(diagram: string, values?: MarbleValues<unknown>, error?: unknown): void
  /** Expects when the handler has consumed the requests of a stream; in upper case if it let go of one with an error. */
  expectConsumed(diagram: string): void
  /**
   * Expects from when to when the handler worked, one diagram a call: `'^---!'`. That is from when it is called until
   * the Observable that it gives has ended or is unsubscribed: a cancelled call ends it at once.
   */
  expectHandler(diagrams: string | readonly string[]): void
}

/** An actor under test. */
export interface Given extends ServiceLanes {
  /** One more caller of an endpoint, with lanes of its own; state that handlers share is shared with all of them. */
  caller(endpoint: string): ServiceLanes
  /** The handler of a topic, with lanes of its own. Throws FAILED_PRECONDITION (reason `invalid_marbles`) when it has none. */
  topic<In>(topic: Topic<In, unknown>): TopicLanes
}

/** The actor behind a server in the same process; `caller` makes the lanes of one more caller. */
export function givenActor(actor: Actor, context: LaneContext): (endpoint: string) => ServiceLanes {
  return endpoint => {
    const definition = actor.contract.endpoints[endpoint]
    if (definition === undefined) throw unknownEndpoint(actor, endpoint)
    return new CallerLanes(actor, endpoint, definition.kind, context)
  }
}

type Method = (input: unknown) => Observable<unknown>

class CallerLanes implements ServiceLanes {
  private readonly name: string
  private readonly method: (deadlineMs: number | undefined) => Method
  private readonly isStreaming: boolean
  private readonly context: LaneContext
  private readonly arrived: Subject<unknown>
  private readonly runs: { subscribedFrame: number; unsubscribedFrame: number }[]
  private source: MarbleSource<unknown> | undefined
  private deadlineMs: number | undefined
  private demand$: Observable<string> | undefined
  private subscription: string
  private isCalled: boolean

  constructor(actor: Actor, endpoint: string, kind: Kind, context: LaneContext) {
    const { contract } = actor
    const { runtime } = context.kit
    this.context = context
    this.arrived = new Subject()
    this.runs = []
    // A server for each caller: so it is known whose call a handler answers.
    const actors = [watchedActor(actor, this.handlerObserver(contract.name))]
    const server = createServer({ actors, runtime, log: silentLog, exposeCauses: true })
    const stub = createStub(contract, server, { runtime, log: silentLog })
    this.name = `${contract.name}.${endpoint}`
    this.method = deadlineMs =>
      (deadlineMs === undefined ? stub : stub.with({ deadlineMs }))[endpoint] as unknown as Method
    this.isStreaming = kind === 'clientStream' || kind === 'duplex'
    this.source = undefined
    this.deadlineMs = undefined
    this.demand$ = undefined
    this.subscription = '^'
    this.isCalled = false
  }

  requests(diagram: string, values?: MarbleValues<unknown>, error?: unknown): void {
    this.checkNotCalled('requests')
    const { kit, expectations } = this.context
    if (this.source !== undefined) {
      throw misplaced(`${this.name}: requests are drawn once; caller('endpoint') gives lanes to one more caller`)
    }
    expectations.expectNoneLeft(`${this.name}: no call is made`, () =>
      this.isCalled ? undefined : 'the requests are drawn, and nothing calls with them: expectReplies does',
    )
    this.source = this.isStreaming ? kit.deliveries(diagram, values, error) : kit.cold(diagram, values, error)
  }

  deadline(diagram: string): void {
    this.checkNotCalled('deadline')
    this.deadlineMs = this.context.kit.time(diagram)
  }

  demand(diagram: string): void {
    this.checkNotCalled('demand')
    const other = parseMarbles(diagram).find(({ letter }) => !/^\d$/.test(letter))
    if (other !== undefined) throw invalidMarbles(diagram, `${other.letter} is no number of replies, 0 to 9`)
    this.demand$ = this.context.kit.hot(diagram)
  }

  cancel(diagram: string): void {
    this.checkNotCalled('cancel')
    const { subscribedFrame, unsubscribedFrame } = parseSubscription(diagram)
    if (unsubscribedFrame === Infinity) throw invalidMarbles(diagram, 'it has no !, which is when the caller cancels')
    if (subscribedFrame < Infinity) this.subscription = diagram
    else this.subscription = unsubscribedFrame === 0 ? '(^!)' : `^ ${unsubscribedFrame - 1}ms !`
  }

  expectReplies(diagram: string, values?: MarbleValues<unknown>, error?: unknown): void {
    this.checkNotCalled('expectReplies')
    this.isCalled = true
    const { kit, expectations } = this.context
    const method = this.method(this.deadlineMs)
    const source = this.source
    if (source === undefined) throw misplaced(`${this.name}: requests come before expectReplies`)
    if (error === undefined && parseMarbles(diagram).some(({ kind }) => kind === 'error')) {
      throw invalidMarbles(diagram, 'say which error # is, by its code or { code, reason }, behind the values')
    }
    const reply$ = this.isStreaming
      ? method(source)
      : source.pipe(mergeMap(request => failuresAsItems(method(request))))
    const consumed$ = this.demand$ === undefined ? reply$ : reply$.pipe(consumedOn(this.demand$))
    kit.expectObservable(consumed$, this.subscription).toBe(diagram, values, errorOf(error))
    expectations.expectNoneLeft(`${this.name}: a call is left open`, () => this.openRun())
  }

  expectRequests(diagram: string, values?: MarbleValues<unknown>, error?: unknown): void {
    this.context.kit.expectObservable(this.arrived).toBe(diagram, values, errorOf(error))
  }

  expectConsumed(diagram: string): void {
    if (!this.isStreaming || this.source === undefined) {
      throw misplaced(`${this.name}: expectConsumed is for streams of requests, and comes after requests`)
    }
    this.context.kit.expectCredits(this.source as Deliveries<unknown>).toBe(diagram)
  }

  expectHandler(diagrams: string | readonly string[]): void {
    // Only the windows are read.
    this.context.kit
      .expectSubscriptions({ subscriptions: this.runs } as unknown as MarbleSource<unknown>)
      .toBe(diagrams)
  }

  private handlerObserver(contract: string): HandlerObserver {
    let found: string | undefined
    this.context.expectations.expectFirst('promise_in_marbles', () => found)
    return {
      arrived: this.arrived,
      started: () => {
        const run = { subscribedFrame: this.context.time.frame, unsubscribedFrame: Infinity }
        this.runs.push(run)
        return () => {
          run.unsubscribedFrame = this.context.time.frame
        }
      },
      gavePromise: (endpoint, what) => {
        found ??=
          `${contract}.${endpoint} gives ${what}, which does not settle in virtual time: ` +
          'give an Observable here, or run the service in a simulation, where promises settle'
        return new RpcError('FAILED_PRECONDITION', found, { reason: 'promise_in_marbles' })
      },
    }
  }

  private openRun(): string | undefined {
    const open = this.runs.find(({ unsubscribedFrame }) => unsubscribedFrame === Infinity)
    return (
      open &&
      `the call made at ${open.subscribedFrame} ms neither ends nor is cancelled; end its requests with |, or cancel it: ` +
        `cancel('----!'). A promise inside the handler never settles here`
    )
  }

  private checkNotCalled(lane: string): void {
    if (!this.isCalled) return
    const remedy = lane === 'expectReplies' ? 'comes once, for it' : 'comes before expectReplies, which'
    throw misplaced(`${this.name}: ${lane} ${remedy} makes the call`)
  }
}

function failuresAsItems(replies: Observable<unknown>): Observable<unknown> {
  return replies.pipe(catchError((error: unknown) => of(error)))
}

/** A code stands for an error that has it. */
function errorOf(error: unknown): unknown {
  return codes.some(code => code === error) ? { code: error } : error
}

function misplaced(message: string): RpcError {
  return new RpcError('FAILED_PRECONDITION', `marbles: ${message}`, { reason: 'invalid_marbles' })
}

function unknownEndpoint({ contract }: Actor, endpoint: string): RpcError {
  const known = Object.keys(contract.endpoints).join(', ')
  return new RpcError('INVALID_ARGUMENT', `given: ${contract.name} has no endpoint ${endpoint}, known are ${known}`, {
    reason: 'unknown_endpoint',
  })
}
