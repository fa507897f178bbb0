import { consoleLog, type LogEvent } from 'millrace/core'
import type { Instance } from 'millrace/registry'
import { etcd } from 'millrace/registry/etcd'
import { BehaviorSubject, type Subscription } from 'rxjs'
import type { Party, Told } from './told.js'

// A process that registers nodes and, or, watches, tells what happens in lines of JSON, and takes its leave when its input
// ends. Nothing ends it then but that it has nothing more to do.
const { endpoint, prefix, ttlMs, nodes, watches } = JSON.parse(process.argv[2] ?? '') as Party
const registry = etcd({ endpoints: [endpoint], prefix, ttlMs, log })

const goodbyes = nodes.map(node => register(node))
const watch = watches ? follow() : undefined

process.stdin.resume().on('end', () => {
  watch?.unsubscribe()
  for (const goodbye of goodbyes) goodbye()
})

function register(node: string): () => void {
  const instance$ = new BehaviorSubject(instanceOf(node))
  registry.register(instance$).subscribe(({ lost }) => tell({ node, lost: lost?.message ?? '' }))
  return () => instance$.complete()
}

function follow(): Subscription {
  return registry.watch().subscribe(({ services, stale }) => {
    tell({ view: services.flatMap(({ name, nodes }) => nodes.map(({ id }) => `${name}/${id}`)), stale })
  })
}

/** A node is written as its key: `words/a`. */
function instanceOf(node: string): Instance {
  const [name = '', id = ''] = node.split('/')
  return { name, version: '1.0.0', metadata: {}, endpoints: [], node: { id, address: '127.0.0.1:4000', metadata: {} } }
}

function tell(what: Omit<Told, 'at'>): void {
  process.stdout.write(`${JSON.stringify({ ...what, at: Date.now() })}\n`)
}

/** What is logged goes to stderr, which is shown when this process fails. */
function log(event: LogEvent): void {
  consoleLog({ ...event, level: 'warn' })
}
