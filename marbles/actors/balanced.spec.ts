import { type Message, messageOf, RpcError } from 'millrace/core'
import { callOf, runCall, type Peer, type Pool } from 'millrace/protocol'
import { memoryRegistry, type Registry } from 'millrace/registry'
import { strategy, type Outcome } from 'millrace/selector'
import { marbles } from 'millrace/testing'
import { catchError, EMPTY, map, mergeMap, type Observable, of, Subject } from 'rxjs'
import { describe, it } from 'vitest'
import { Balanced } from '../../src/actors/balanced.js'
import { snapshotOfText } from '../../test/selector/texts.js'
import { unaryCall } from '../../test/support/unary-call.js'

/** Snapshots, as texts that a diagram can show. */
const SNAPSHOTS = { s: 'a b', a: 'a', n: 'none' }

/** What a caller gets besides replies. */
const ERRORS: { readonly [reason: string]: string } = { no_endpoint: 'n', client_closed: 'x', registry_lost: 'l' }

interface Lanes {
  /** What each watch of the registry sees. */
  readonly snapshots: string
  readonly watched: string | readonly string[]
  /** `c`: a call. `x`: the client closes. */
  readonly calls: string
  /** What node a answers; b answers at once. @default at once */
  readonly answer?: string
  /** Names of nodes, `n` no_endpoint, `x` client_closed, `l` the registry is lost, `#` another error. */
  readonly replies: string
  /** `a`, `b`: a call ended well there; `e`: it failed; `z`: it was cancelled; `d`: at its deadline. */
  readonly outcomes: string
  /** Pools that are closed. @default none */
  readonly closed?: string
  /** When callers leave. @default they do not */
  readonly left?: string
  /** Whether there can be no connection to any address. @default false */
  readonly noAddress?: boolean
  /** When calls must have ended, ms. @default no time */
  readonly deadline?: number
}

/** Nodes take turns, a first. */
const inTurn = strategy(() => {
  let turn = 0
  return nodes => turn++ % nodes.length
})

function check({ snapshots, watched, calls, answer = '(a|)', replies, outcomes, closed = '', ...rest }: Lanes): void {
  const { left, noAddress = false, deadline } = rest
  marbles(({ cold, hot, runtime, expectObservable, expectSubscriptions }) => {
    const snapshot$ = cold(snapshots, SNAPSHOTS, new RpcError('UNAVAILABLE', 'gone', { reason: 'registry_lost' }))
    const registry: Registry = { ...memoryRegistry({ runtime }), watch: () => snapshot$.pipe(map(snapshotOfText)) }
    const closed$ = new Subject<string>()
    const a$ = cold(answer)
    const b$ = cold('(b|)')
    const connect = (address: string): Pool => {
      if (noAddress) throw new RpcError('INVALID_ARGUMENT', `${address} is no address`)
      const node = address.slice(0, 1)
      const peer: Peer = { call: () => (node === 'a' ? a$ : b$).pipe(map(messageOf)) }
      const pool: Pool = {
        run: (call, caller) => runCall(peer, call, caller),
        call: call => callOf(pool, call),
        close: () => closed$.next(node),
      }
      return pool
    }
    const protocol = { name: 'rsocket', transport: 'memory' }
    const balanced = new Balanced({ service: 'words', registry, selector: inTurn, connect, protocol, runtime })
    const throughBalanced = mergeMap((letter: string) => {
      if (letter === 'c') return bodies(balanced.call(unaryCall({ deadline })))
      balanced.close()
      return EMPTY
    })

    const call$ = hot(calls)
    const reply$ = call$.pipe(throughBalanced)
    const outcome$ = balanced.outcomes.pipe(map(letterOf))

    expectObservable(reply$, left).toBe(replies)
    expectObservable(outcome$, '^ 20ms !').toBe(outcomes)
    expectObservable(closed$, '^ 20ms !').toBe(closed)
    expectSubscriptions(snapshot$).toBe(watched)
  })
}

/** What a caller sees of its replies. */
function bodies(reply$: Observable<Message>): Observable<unknown> {
  return reply$.pipe(
    map(({ body }) => body),
    catchError((error: RpcError) => of(ERRORS[error.reason] ?? '#')),
  )
}

function letterOf({ node, result }: Outcome): string {
  if (result === 'ok') return node.id
  if (result === 'DEADLINE_EXCEEDED') return 'd'
  return result === 'cancelled' ? 'z' : 'e'
}

describe('Balanced', () => {
  it('sends each call to the node that is picked', () => {
    check({
      snapshots: 's',
      watched: ' -^',
      calls: '   -c-c-c',
      replies: ' -a-b-a',
      outcomes: '-a-b-a',
    })
  })

  it('tells the selector of calls that cannot connect', () => {
    check({
      snapshots: 's',
      watched: ' -^',
      calls: '   -c-c',
      replies: ' -#-#',
      outcomes: '-e-e',
      noAddress: true,
    })
  })

  it('watches the registry from the first call on', () => {
    check({
      snapshots: '   --s',
      watched: ' ----^',
      calls: '   ----c-c---c',
      replies: ' ------(ab)a',
      outcomes: '------(ab)a',
    })
  })

  it('fails calls at once when no node is known', () => {
    check({
      snapshots: 'n---s',
      watched: ' -^',
      calls: '   -c-c--c',
      replies: ' -n-n--a',
      outcomes: '------a',
    })
  })

  it('closes the pool of a node that is gone', () => {
    check({
      snapshots: ' s----a----n',
      watched: ' -^',
      calls: '   -c-c-c-c-c--c',
      replies: ' -a-b-a-a-a--n',
      outcomes: '-a-b-a-a-a',
      closed: '  ------b----a',
    })
  })

  it('tells the selector how calls ended', () => {
    check({
      snapshots: 's',
      watched: ' -^',
      calls: '   -c----c-c',
      answer: '  --#',
      replies: ' ---#--b---#',
      outcomes: '---e--b---e',
    })
  })

  it('tells the selector of calls whose callers left', () => {
    check({
      snapshots: 's',
      watched: ' -^',
      calls: '   -c',
      answer: '  -------(a|)',
      left: '    ^---!',
      replies: ' -',
      outcomes: '----z',
    })
  })

  it('tells the selector of calls that took too long', () => {
    check({
      snapshots: 's',
      watched: ' -^',
      calls: '   -c',
      answer: '  -------(a|)',
      left: '    ^---!',
      replies: ' -',
      outcomes: '----d',
      deadline: 4,
    })
  })

  it('does not blame a node that had answered in time', () => {
    check({
      snapshots: 's',
      watched: ' -^',
      calls: '   -c',
      answer: '  -a-----|',
      left: '    ^---!',
      replies: ' --a',
      outcomes: '--a',
      deadline: 4,
    })
  })

  it('fails calls that wait when it is closed', () => {
    check({
      snapshots: '-------s',
      watched: ' -^--!',
      calls: '   -c--x-c',
      replies: ' ----x-x',
      outcomes: '----|',
    })
  })

  it('lets running calls end when it is closed', () => {
    check({
      snapshots: 's',
      watched: ' -^--!',
      calls: '   -c--x-c',
      answer: '  -----(a|)',
      replies: ' ------(xa)',
      outcomes: '------(a|)',
      closed: '  ----a',
    })
  })

  it('watches anew after the registry was lost', () => {
    check({
      snapshots: '--#',
      watched: ['-^-!', '-----^-!'],
      calls: '   -c---c',
      replies: ' ---l---l',
      outcomes: '',
    })
  })
})
