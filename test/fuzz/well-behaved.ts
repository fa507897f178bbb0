import { messageOf, type Message, type RpcError, type Runtime } from 'millrace/core'
import type { Call, Connection } from 'millrace/protocol'
import { paced } from 'millrace/streams'
import { map, Subscription } from 'rxjs'
import { headOf, NUMBERS } from './target.js'

/** Time between two calls of a kind, ms. */
const PAUSE_MS = 5

/** A client beside the hostile ones, that makes calls of every kind all the time and expects what it should. */
export class WellBehaved {
  /** Calls that have ended as they should. */
  calls: number
  /** Longest time that a call took, ms. */
  slowestMs: number
  /** What went wrong. */
  readonly failures: string[]
  private readonly runtime: Runtime
  private readonly started: Map<string, number>
  private readonly subscription: Subscription

  /** Begins to call. */
  constructor(connection: Connection, runtime: Runtime) {
    this.calls = 0
    this.slowestMs = 0
    this.failures = []
    this.runtime = runtime
    this.started = new Map()
    this.subscription = new Subscription()
    const words = ['a', 'b', 'c']
    this.repeat(connection, { ...headOf('echo'), kind: 'unary', body: 'hello' }, ['hello'])
    this.repeat(connection, { ...headOf('numbers'), kind: 'serverStream', body: 1 }, NUMBERS)
    this.repeat(
      connection,
      { ...headOf('chat'), kind: 'duplex', messages: paced(words).pipe(map(word => messageOf(word))) },
      words,
    )
    this.repeat(
      connection,
      { ...headOf('sum'), kind: 'clientStream', messages: paced(words).pipe(map(word => messageOf(word))) },
      [3],
    )
  }

  /** Time that the oldest call has been running, ms. */
  get waitingMs(): number {
    return this.runtime.scheduler.now() - Math.min(...this.started.values(), this.runtime.scheduler.now())
  }

  /** Makes no more calls. */
  stop(): void {
    this.subscription.unsubscribe()
  }

  private repeat(connection: Connection, call: Call, expected: readonly unknown[]): void {
    if (this.subscription.closed) return
    const { scheduler } = this.runtime
    const { endpoint } = call.route
    const start = scheduler.now()
    const replies: unknown[] = []
    this.started.set(endpoint, start)
    const ended = (error?: RpcError): void => {
      this.started.delete(endpoint)
      this.slowestMs = Math.max(this.slowestMs, scheduler.now() - start)
      if (error !== undefined) this.failures.push(`${endpoint} failed: ${error.message}`)
      else if (!sameValues(replies, expected)) this.failures.push(`${endpoint} gave ${JSON.stringify(replies)}`)
      else this.calls++
      if (error === undefined) scheduler.schedule(() => this.repeat(connection, call, expected), PAUSE_MS)
    }
    this.subscription.add(
      connection.call(call).subscribe({
        next: ({ body }: Message) => replies.push(body),
        error: ended,
        complete: () => ended(),
      }),
    )
  }
}

function sameValues(values: readonly unknown[], expected: readonly unknown[]): boolean {
  return values.length === expected.length && values.every((value, index) => value === expected[index])
}
