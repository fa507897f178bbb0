import type { LogEvent } from 'millrace/core'
import type { Instance, Snapshot } from 'millrace/registry'
import { etcd } from 'millrace/registry/etcd'
import { NEVER, startWith } from 'rxjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/deadline.js'
import { startEtcd, type EtcdServer } from '../support/etcd-server.js'
import { record } from '../support/recording.js'

const words: Instance = {
  name: 'words',
  version: '1.0.0',
  metadata: {},
  endpoints: [],
  node: { id: 'a', address: '127.0.0.1:4000', metadata: {} },
}

/** What go-micro writes. */
function recordOf(instance: object): string {
  return JSON.stringify({ ...words, node: undefined, nodes: [words.node], ...instance })
}

/** The text of a request whose type has itself as a field, as far as someone has unrolled it. */
function unrolled(depth: number): string {
  const type = `${'{"name":"tree","type":"Tree","values":['.repeat(depth)}${']}'.repeat(depth)}`
  return recordOf({}).replace('"endpoints":[]', `"endpoints":[{"name":"words.count","request":${type}}]`)
}

const hostile: readonly (readonly [what: string, key: string, value: string | Uint8Array])[] = [
  ['nothing', 'words/b', ''],
  ['no JSON', 'words/b', 'a value of someone else'],
  ['foreign', 'words/b', '{"kind":"Pod","spec":{}}'],
  ['cut off', 'words/b', recordOf({}).slice(0, 60)],
  ['no text', 'words/b', Buffer.from([0xff, 0xfe, 0x00])],
  ['of 10 MB', 'words/b', recordOf({ metadata: { text: 'x'.repeat(10_000_000) } })],
  ['nested 100,000 deep', 'words/b', '['.repeat(100_000) + ']'.repeat(100_000)],
  ['of a type that has itself', 'words/b', unrolled(10_000)],
  ['of a name with a slash', 'a-b/a', recordOf({ name: 'a/b' })],
  ['of a node with a slash', 'words/a-b', recordOf({ nodes: [{ ...words.node, id: 'a/b' }] })],
  ["under another's key", 'words/b', recordOf({})],
  ['deeper than it may be', 'words/b/c', recordOf({ nodes: [{ ...words.node, id: 'b' }] })],
  ['of no service', '/', recordOf({})],
  ['at no address', 'words/b', recordOf({ nodes: [{ ...words.node, id: 'b', address: 'nowhere' }] })],
]

let server: EtcdServer

beforeAll(async () => {
  server = await startEtcd({ args: ['--max-request-bytes=20000000'] })
})

afterAll(() => server.stop())

describe.concurrent('etcd', () => {
  it.each(hostile)('skips a record that is %s', async (what, key, value) => {
    const prefix = `/${what.replaceAll(/\W/g, '-')}`
    const log: LogEvent[] = []
    const registry = etcd({ endpoints: [`127.0.0.1:${server.port}`], prefix, ttlMs: 30_000, log: e => log.push(e) })
    await server.keys.put(`${prefix}/${key}`, value)
    const registered = record(registry.register(NEVER.pipe(startWith(words))))
    const skipped = record(registry.skipped$)

    const watched = record(registry.watch())
    await eventually(() => shown(watched.values).length === 1, 8000, 'what is registered')
    await server.keys.delete(`${prefix}/${key}`)
    await server.keys.put(`${prefix}/${key}`, value)
    await server.keys.put(`${prefix}/words/c`, recordOf({ nodes: [{ ...words.node, id: 'c' }] }))
    await eventually(() => shown(watched.values).length === 2, 8000, 'what is registered later')
    const list = record(registry.list())
    await eventually(() => list.completed, 8000, 'a list')

    expect(shown(watched.values)).toEqual(['words a', 'words c'])
    expect([list.values, watched.values.at(-1)?.stale]).toEqual([[['words']], false])
    expect(skipped.values).toEqual([0, 1, 2, 3])
    expect(log.map(({ level, event }) => [level, event])).toEqual([['warn', 'registry.record_skipped']])
    for (const { subscription } of [registered, skipped, watched]) subscription.unsubscribe()
  })
})

function shown(snapshots: readonly Snapshot[]): readonly string[] {
  const { services = [] } = snapshots.at(-1) ?? {}
  return services.flatMap(({ name, nodes }) => nodes.map(({ id }) => `${name} ${id}`))
}
