import { Observable, Subject, tap } from 'rxjs'
import { header, mergeHeaders, RpcError, type Message } from '../../core/index.js'
import type { Call, Interceptor, Peer } from '../../protocol/index.js'
import type { CallEnd, CallSide, CallStep, ObservedCall } from './observed.js'

/** Where calls are seen: one life of one process. */
export interface Vantage {
  /** The process. */
  readonly process: string
  /** Which life of it. */
  readonly life: number
  /** Whether it still runs. */
  isLive(): boolean
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

interface Side extends Writable<CallSide> {
  readonly requests: string[]
  readonly replies: string[]
}

interface Recorded extends Side, Writable<ObservedCall> {
  readonly requests: string[]
  readonly replies: string[]
  readonly runs: Side[]
}

/** Names the call to the handler's side. */
const CALL_ID = 'simulated-call'

/** Sees every call at both ends. */
export class CallObserver {
  /** Every step of every call. */
  readonly steps$: Subject<CallStep>
  private readonly now: () => number
  private readonly calls: Map<string, Recorded>

  constructor(now: () => number) {
    this.steps$ = new Subject()
    this.now = now
    this.calls = new Map()
  }

  /** How many calls have been made. */
  get count(): number {
    return this.calls.size
  }

  /** The outermost interceptor of clients. */
  callers(vantage: Vantage): Interceptor {
    return next => ({
      call: call =>
        new Observable<Message>(subscriber => {
          const id = this.calls.size + 1
          const { route, kind } = call
          const recorded: Recorded = { ...this.side(vantage), id, route, kind, runs: [] }
          this.calls.set(String(id), recorded)
          const marked = { ...call, header: mergeHeaders(call.header, header({ [CALL_ID]: String(id) })) }
          return this.watch(next, marked, recorded, undefined, vantage).subscribe(subscriber)
        }),
    })
  }

  /** The outermost interceptor of services. */
  handlers(vantage: Vantage): Interceptor {
    return next => ({
      call: call =>
        new Observable<Message>(subscriber => {
          const recorded = this.calls.get(call.header[CALL_ID] ?? '')
          if (recorded === undefined) return next.call(call).subscribe(subscriber)
          const run = this.side(vantage)
          recorded.runs.push(run)
          return this.watch(next, call, recorded, run, vantage).subscribe(subscriber)
        }),
    })
  }

  private side({ process, life }: Vantage): Side {
    return {
      process,
      life,
      startedAt: this.now(),
      requests: [],
      isHalfClosed: false,
      replies: [],
      endedAt: undefined,
      end: undefined,
    }
  }

  private watch(next: Peer, call: Call, of: Recorded, run: Side | undefined, vantage: Vantage): Observable<Message> {
    const side = run ?? of
    const step = (what: CallStep['step']): void => this.steps$.next({ call: of, run, step: what })
    const request = (body: unknown): void => {
      side.requests.push(textOf(body))
      step('request')
    }
    const end = (how: CallEnd): void => {
      if (side.end !== undefined) return
      side.end = vantage.isLive() ? how : 'crashed'
      side.endedAt = this.now()
      step('ended')
    }
    // Who waits for one reply takes it and leaves.
    const hasAll = (): boolean => side.replies.length === 1 && (call.kind === 'unary' || call.kind === 'clientStream')
    const passed = (body: unknown): void => {
      if (body !== undefined) request(body)
    }
    const halfClose = (): void => {
      side.isHalfClosed = true
      step('half-closed')
    }
    const requests = tap<Message>({ next: ({ body }) => passed(body), complete: halfClose })
    const seen = 'messages' in call ? { ...call, messages: call.messages.pipe(requests) } : call
    return next.call(seen).pipe(
      tap({
        subscribe: () => {
          step('started')
          if (!('messages' in call)) request(call.body)
        },
        next: ({ body }) => {
          if (body === undefined) return
          side.replies.push(textOf(body))
          step('reply')
        },
        error: (error: unknown) => end(RpcError.from(error).code),
        complete: () => end('completed'),
        unsubscribe: () => end(hasAll() ? 'completed' : 'cancelled'),
      }),
    )
  }
}

function textOf(body: unknown): string {
  return JSON.stringify(body) ?? 'nothing'
}
