import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Node } from 'oxc-parser'
import { describe, expect, it } from 'vitest'
import { parse, type SourceFile } from './support/architecture/source-file.js'

/** Areas in which every file is an operator, and where those with operators among others. */
const ALL_OPERATORS = ['streams', 'selector']
const SOME_OPERATORS = ['protocol', 'registry', 'broker', 'actors']

/** Types of what happens in time: a function that gives one, and a class that is one, is an operator here. */
const IN_TIME =
  /\b(Observable|(MonoType)?OperatorFunction|AsyncIterable|Interceptor|DirectPeer|Pool|(Record)?Registry|Broker)\b/

/** Files without a spec of their own, and where what they do in time is specified or why there is nothing to. */
const WITHOUT: { readonly [path: string]: string } = {
  'streams/backlog.ts': 'the queue inside overflow, pacedMap, pull and pump; specified there',
  'streams/credit-window.ts': 'counts; specified over a connection in protocol/credit',
  'streams/unfinished.ts': 'makes an error',
  'selector/selector.ts': 'types',
  'selector/keep-nodes.ts': 'what filterNodes does to one snapshot',
  'selector/version-range.ts': 'reads text',
  'selector/hide-nodes.ts': 'the frame of avoidRefused, blacklist and ejectOutliers; specified there',
  'selector/load-strategy.ts': 'the frame of leastPending and p2c; specified there',
  'selector/node-load.ts': 'types',
  'selector/is-node-fault.ts': 'tells codes apart; specified in blacklist and ejectOutliers',
  'selector/no-endpoint.ts': 'makes an error',
  'selector/outliers-of.ts': 'compares numbers',
  'selector/same-node.ts': 'compares two records',
  'selector/hash.ts': 'numbers of texts',
  'selector/draws.ts': 'numbers of a seed',
  'selector/explain.ts': 'makes a table',
  'protocol/peer.ts': 'calls as they are; specified wherever there is a peer',
  'protocol/rsocket/replies-of.ts': 'subscribes what a peer answers',
  'broker/durable/keep-letter.ts': 'appendUntil, once more for what is refused; tested with a real server',
  'broker/durable/retry-pause.ts': 'the pauses of appendUntil; specified there',
  'broker/nats/exclusive-turn.ts': 'claims at a real server, which has no virtual time',
  'broker/nats/find-consumer.ts': 'questions to a real server, which has no virtual time',
  'broker/nats/jetstream-broker.ts': 'durableBroker over a real log; specified there',
  'broker/nats/jetstream-session.ts': 'questions over a real connection, which has no virtual time',
  'broker/nats/last-start.ts': 'questions to a real server, which has no virtual time',
  'broker/nats/nats-broker.ts': 'messages over a real connection, which has no virtual time',
  'broker/nats/read-all.ts': 'what a real stream has, which has no virtual time',
  'broker/nats/return-unsettled.ts': 'what a real server does with it, which has no virtual time',
  'registry/etcd/etcd.ts': 'real calls, tested with a real etcd; what it does in time is keepAnnounced and watchLeased',
  'registry/etcd/duplex.ts': 'a stream of gRPC, which has no virtual time',
  'registry/etcd/lease-calls.ts': 'calls of gRPC, which have no virtual time',
  'registry/etcd/list-pages.ts': 'calls of gRPC, which have no virtual time',
  'registry/etcd/watch-changes.ts': 'a stream of gRPC, which has no virtual time',
  'registry/leased/context.ts': 'the pauses of keepAnnounced and watchLeased; specified there',
  'registry/leased/tenancy.ts': 'the goodbye of announceLeased; specified there',
  'registry/leased/leased-registry.ts': 'puts announceLeased and watchLeased together',
  'registry/mdns/announce.ts': 'half of mdns, which is specified as a whole',
  'registry/mdns/browse.ts': 'half of mdns, which is specified as a whole',
  'registry/mdns/group-socket.ts': 'a UDP socket, which has no virtual time',
  'registry/mdns/link.ts': 'specified in mdns without multicast',
  'registry/mdns/packet-registry.ts': 'mdns without the socket; specified in mdns',
  'actors/stop-signals.ts': 'signals of the operating system, which has no virtual time',
}

/** Specs that are not named after a file, and what they specify. */
const ABOUT: { readonly [path: string]: string } = {
  'actors/laws': 'what holds for all operators',
  'broker/nats': 'publishing and subscribing of natsBroker, over links that end',
  'protocol/credit': 'streams over a connection, where many files work together',
  'protocol/resume': 'ClientResumption',
  'registry/laws': 'what holds for all operators',
  'selector/laws': 'what holds for all operators, and for all selectors',
  'streams/laws': 'what holds for all operators',
}

const all = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter(path => path.endsWith('.ts') && path.includes('/') && basename(path) !== 'index.ts')
  .map((path): SourceFile => ({ path, source: readFileSync(`src/${path}`, 'utf8') }))
const operators = all.filter(isOperator).map(({ path }) => path)
const specs = readdirSync('marbles', { recursive: true, encoding: 'utf8' }).filter(path => path.endsWith('.spec.ts'))

describe('marbles', () => {
  it('has a spec for every operator and selector', () => {
    const missing = operators.filter(path => !(path in WITHOUT) && !specs.includes(specOf(path)))

    expect(missing).toEqual([])
    expect(operators.length).toBeGreaterThan(25)
  })

  it('leaves out only operators that have no spec', () => {
    const wrong = Object.keys(WITHOUT).filter(
      path => !operators.includes(path) || existsSync(`marbles/${specOf(path)}`),
    )

    expect(wrong).toEqual([])
  })

  it('names each spec after what it specifies', () => {
    const known = [...all.map(({ path }) => specOf(path)), ...Object.keys(ABOUT).map(name => `${name}.spec.ts`)]

    expect(specs.filter(spec => !known.includes(spec))).toEqual([])
  })
})

/** The spec of a file, below `marbles`: area and name; folders inside an area are no part of it. */
function specOf(path: string): string {
  return `${path.split('/')[0]}/${basename(path, '.ts')}.spec.ts`
}

function isOperator(file: SourceFile): boolean {
  const isIn = (area: string): boolean => file.path.startsWith(`${area}/`)
  if (ALL_OPERATORS.some(isIn)) return true
  if (!SOME_OPERATORS.some(isIn)) return false
  return parse(file).program.body.some(
    statement => statement.type === 'ExportNamedDeclaration' && IN_TIME.test(typeTextOf(statement.declaration, file)),
  )
}

/** What the declaration of a function says that it gives, of a class that it is, and of a constant. */
function typeTextOf(declaration: Node | null, { source }: SourceFile): string {
  const text = (node: Node | null | undefined): string => (node ? source.slice(node.start, node.end) : '')
  if (declaration?.type === 'FunctionDeclaration') return text(declaration.returnType)
  if (declaration?.type === 'ClassDeclaration') return (declaration.implements ?? []).map(text).join()
  if (declaration?.type !== 'VariableDeclaration') return ''
  return declaration.declarations.map(({ id }) => text('typeAnnotation' in id ? id.typeAnnotation : null)).join()
}
