import { identity, map, of, tap, type Observable } from 'rxjs'
import { actor, contract, createServer, createStub, duplex, enforceDeadlines, serverStream } from 'millrace/actors'
import { messageOf, silentLog } from 'millrace/core'
import { callOf, runCall, type Peer, type Pool } from 'millrace/protocol'
import { memoryRegistry, type Registry } from 'millrace/registry'
import { random } from 'millrace/selector'
import type { MarbleKit } from 'millrace/testing'
import { Balanced } from '../../src/actors/balanced.js'
import { checkEach } from '../../src/actors/check-each.js'
import { requestsOf } from '../../src/actors/requests.js'
import { serviceOf, snapshotOf } from '../../test/selector/snapshots.js'
import { testOperatorLaws } from '../../test/support/operator-laws.js'
import { testSourceLaws } from '../../test/support/source-laws.js'
import { unaryCall } from '../../test/support/unary-call.js'

/** Letters as the replies of a stream of `peer`, through what is made around it. */
const replies =
  (around: (peer: Peer) => Peer, deadline?: number) =>
  (letter$: Observable<string>): Observable<string> =>
    around({ call: () => letter$.pipe(map(messageOf)) })
      .call(unaryCall({ kind: 'serverStream', deadline }))
      .pipe(map(({ body }) => body as string))

/** All nodes of a service, of which there is one. */
function balancedOver(peer: Peer, { runtime }: MarbleKit): Peer {
  const one = snapshotOf(serviceOf('1.0.0', ['a']))
  const registry: Registry = { ...memoryRegistry({ runtime }), watch: () => of(one) }
  const connected: Pool = {
    run: (call, caller) => runCall(peer, call, caller),
    call: call => callOf(connected, call),
    close: () => {},
  }
  const protocol = { name: 'rsocket', transport: 'memory' }
  const connect = (): Pool => connected
  return new Balanced({ service: 'words', registry, selector: random, connect, protocol, runtime })
}

const Letters = contract('letters', { echo: duplex<string, string>(), list: serverStream<void, string>() })
const echoed: Peer = { call: call => ('messages' in call ? call.messages : of()) }

testOperatorLaws('checkEach', {
  passing: ({ runtime }) => checked(identity, runtime),
  calling: ({ runtime }, callback) => checked(letter => (callback(letter), letter), runtime),
  naks: true,
})

testOperatorLaws('enforceDeadlines', {
  passing: ({ runtime }) => replies(enforceDeadlines(runtime), 50_000),
})
testOperatorLaws('enforceDeadlines without a deadline', {
  passing: ({ runtime }) => replies(enforceDeadlines(runtime)),
})

testOperatorLaws('Balanced', {
  passing: kit => replies(peer => balancedOver(peer, kit)),
  error: { code: 'UNKNOWN' },
})

testOperatorLaws('stub of a duplex endpoint', {
  passing: ({ runtime }) => createStub(Letters, echoed, { runtime }).echo,
  error: { code: 'UNKNOWN' },
})

testOperatorLaws('stub and server of a duplex endpoint', {
  passing: ({ runtime }) => served(identity, runtime),
  error: { code: 'INTERNAL', reason: 'handler_failed' },
  thrown: { code: 'INTERNAL', reason: 'handler_failed' },
  calling: ({ runtime }, callback) => served(tap(callback), runtime),
})

function checked(check: (letter: string) => string, runtime: MarbleKit['runtime']) {
  const each = checkEach(value => check(String(value)), { name: 'letters.echo', onStalled: () => {}, runtime })
  return (letter$: Observable<string>): Observable<string> => letter$.pipe(each, map(String))
}

function served(echo: (letter$: Observable<string>) => Observable<string>, runtime: MarbleKit['runtime']) {
  const letters = actor(Letters, { echo, list: () => of() })
  const server = createServer({ actors: [letters], runtime, log: silentLog })
  return createStub(Letters, server, { runtime, log: silentLog }).echo
}

testSourceLaws('requestsOf an iterable', {
  made: letters => requestsOf(letters, 'letters.echo').pipe(map(String)),
  window: 1,
})
