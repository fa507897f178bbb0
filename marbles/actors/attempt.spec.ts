import { emptyHeader, type Message, messageOf, RpcError } from 'millrace/core'
import { callOf, runCall, type Call, type Peer, type Pool } from 'millrace/protocol'
import { memoryRegistry, type Registry } from 'millrace/registry'
import { filterNodes, strategy, type Outcome, type Selector } from 'millrace/selector'
import { marbles } from 'millrace/testing'
import { catchError, concat, EMPTY, ignoreElements, map, mergeMap, NEVER, type Observable, of, pipe } from 'rxjs'
import { describe, it } from 'vitest'
import { Balanced } from '../../src/actors/balanced.js'
import { enforceDeadlines } from '../../src/actors/enforce-deadlines.js'
import { snapshotOfText } from '../../test/selector/texts.js'
import { unaryCall } from '../../test/support/unary-call.js'

/** What goes in, what each node does with a call, and what comes out. */
interface Lanes {
  /** `c`: a call. `x`: the client closes. */
  readonly calls: string
  /** What a call to each node does: `#` is a connection that is refused. A node without a lane is not there. */
  readonly a: string
  readonly b?: string
  readonly c?: string
  /** `t`: the error names nodes that were tried. `e`: it does not. `d`: the deadline. */
  readonly replies: string
  /** `a`: a call ended well there. `A`: its connection was refused. `z`: a call was cancelled, or a pick not used. */
  readonly outcomes: string
  /** When callers leave. @default they do not */
  readonly left?: string
  /** When calls must have ended, ms. @default no time */
  readonly deadline?: number
  /** What is called. @default a call of one request */
  readonly call?: Call
  /** Whether the requests of a call are subscribed before it fails. @default false */
  readonly subscribes?: boolean
  /** What `#` is. @default a refused connection */
  readonly error?: RpcError
  /** @default the first node that was not tried */
  readonly selector?: Selector
}

const refused = new RpcError('UNAVAILABLE', 'refused', { reason: 'connect_failed', retry: { safe: true } })
const lost = new RpcError('UNAVAILABLE', 'lost', { reason: 'connection_lost' })
const draining = new RpcError('UNAVAILABLE', 'shutting down', { reason: 'draining', retry: { safe: true } })

const first = strategy(() => () => 0)
const onlyA: Selector = context =>
  pipe(
    filterNodes('not a', ({ id }) => id === 'a'),
    first(context),
  )

function check({ calls, replies, outcomes, left, deadline, call = unaryCall({ deadline }), ...rest }: Lanes): void {
  const { a, b, c, selector = first, subscribes = false, error = refused } = rest
  marbles(({ cold, hot, runtime, expectObservable }) => {
    const answers = new Map(
      Object.entries({ a, b, c }).flatMap(([id, lane]) => (lane === undefined ? [] : [[id, lane]])),
    )
    const snapshot = snapshotOfText([...answers.keys()].join(' '))
    const registry: Registry = { ...memoryRegistry({ runtime }), watch: () => concat(of(snapshot), NEVER) }
    const connect = (address: string): Pool => {
      const answer$ = cold(answers.get(address.slice(0, 1)) ?? '#', undefined, error).pipe(map(messageOf))
      const peer: Peer = {
        call: made =>
          'messages' in made && subscribes ? concat(made.messages.pipe(ignoreElements()), answer$) : answer$,
      }
      const pool: Pool = {
        run: (made, caller) => runCall(peer, made, caller),
        call: made => callOf(pool, made),
        close: () => {},
      }
      return pool
    }
    const protocol = { name: 'rsocket', transport: 'memory' }
    const balanced = new Balanced({ service: 'words', registry, selector, connect, protocol, runtime })
    const limited = enforceDeadlines(runtime)(balanced)
    const throughBalanced = mergeMap((letter: string) => {
      if (letter === 'c') return bodies(limited.call(call))
      balanced.close()
      return EMPTY
    })

    const call$ = hot(calls)
    const reply$ = call$.pipe(throughBalanced)
    const outcome$ = balanced.outcomes.pipe(map(letterOf))

    expectObservable(reply$, left).toBe(replies)
    expectObservable(outcome$, '^ 40ms !').toBe(outcomes)
  })
}

/** What a caller sees of its replies. */
function bodies(reply$: Observable<Message>): Observable<unknown> {
  return reply$.pipe(
    map(({ body }) => body),
    catchError(({ code, details }: RpcError) => {
      if (code === 'DEADLINE_EXCEEDED') return of('d')
      return of(typeof details === 'object' && details !== null && 'tried' in details ? 't' : 'e')
    }),
  )
}

function letterOf({ node: { id }, result }: Outcome): string {
  if (result === 'ok') return id
  return result === 'cancelled' ? 'z' : id.toUpperCase()
}

/** A call with one request of a stream. */
function streamingCall(): Call {
  const { route } = unaryCall()
  const messages = of(messageOf('request'))
  return { kind: 'clientStream', route, header: emptyHeader, deadline: undefined, key: undefined, messages }
}

describe('Attempt', () => {
  it('goes to another node when a connection is refused', () => {
    check({
      calls: '   -c',
      a: '        --#',
      b: '          --(b|)',
      replies: ' -----b',
      outcomes: '---A-b',
    })
  })

  it('goes to another node in the same turn', () => {
    check({
      calls: '   -c',
      a: '        #',
      b: '        #',
      c: '        (c|)',
      replies: ' -c',
      outcomes: '-(ABc)',
    })
  })

  it('fails when all nodes were tried', () => {
    check({
      calls: '   -c',
      a: '        --#',
      b: '          -#',
      replies: ' ----t',
      outcomes: '---AB',
    })
  })

  it('fails with the error itself at the only node', () => {
    check({
      calls: '   -c',
      a: '        --#',
      replies: ' ---e',
      outcomes: '---A',
    })
  })

  it('stays where its request has been sent', () => {
    check({
      calls: '   -c',
      a: '        --#',
      b: '          (b|)',
      replies: ' ---e',
      outcomes: '---A',
      error: lost,
    })
  })

  it('stays where a node has refused the request', () => {
    check({
      calls: '   -c',
      a: '        --#',
      b: '          (b|)',
      replies: ' ---e',
      outcomes: '---A',
      error: draining,
    })
  })

  it('gives back a pick of a node that was tried', () => {
    check({
      calls: '   -c',
      a: '        --#',
      b: '          (b|)',
      replies: ' ---e',
      outcomes: '---(Az)',
      selector: onlyA,
    })
  })

  it('ends at any node when its caller leaves', () => {
    check({
      calls: '   -c',
      a: '        --#',
      b: '          ------(b|)',
      left: '    ^----!',
      replies: ' -',
      outcomes: '---A-z',
    })
  })

  it('ends at its deadline, however many nodes are left', () => {
    check({
      calls: '   -c',
      a: '        --#',
      b: '          --#',
      c: '            (c|)',
      deadline: 4,
      replies: ' ----d',
      outcomes: '---AB',
    })
  })

  it('goes nowhere else when the client is closed', () => {
    check({
      calls: '   -cx',
      a: '        --#',
      b: '          (b|)',
      replies: ' ---e',
      outcomes: '---(A|)',
    })
  })

  it('takes a stream of requests to another node', () => {
    check({
      calls: '   -c',
      a: '        --#',
      b: '          (b|)',
      replies: ' ---b',
      outcomes: '---(Ab)',
      call: streamingCall(),
    })
  })

  it('never takes requests elsewhere that were subscribed', () => {
    check({
      calls: '   -c',
      a: '        --#',
      b: '          (b|)',
      replies: ' ---e',
      outcomes: '---A',
      call: streamingCall(),
      subscribes: true,
    })
  })
})
