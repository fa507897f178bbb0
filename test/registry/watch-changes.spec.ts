import type { Etcd3, IWatchResponse } from 'etcd3'
import { silentLog, systemRuntime } from 'millrace/core'
import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { resolveEtcdOptions } from '../../src/registry/etcd/etcd-options.js'
import { watchChanges } from '../../src/registry/etcd/watch-changes.js'
import { eventually } from '../support/deadline.js'
import { record, type Recording } from '../support/recording.js'
import type { StoreChanges } from 'millrace/registry'

const PATIENCE_MS = 5000

/** The server's end of a watch. */
class WatchStream extends EventEmitter {
  readonly requests: unknown[] = []
  isEnded = false
  isCancelled = false

  write(request: unknown): void {
    this.requests.push(request)
  }

  end(): void {
    this.isEnded = true
  }

  cancel(): void {
    this.isCancelled = this.isEnded // etcd3 drops the connection of one that may still be written to
  }

  answer(answer: Partial<IWatchResponse>): void {
    const { header, ...rest } = { header: { revision: '9' }, compact_revision: '0', events: [], ...answer }
    this.emit('data', { header, canceled: false, created: false, cancel_reason: '', ...rest })
  }
}

async function watched(): Promise<{ stream: WatchStream; changes: Recording<StoreChanges> }> {
  const stream = new WatchStream()
  const client = { watchClient: { watch: async () => stream } } as unknown as Etcd3
  const options = resolveEtcdOptions({ confirmMs: 100, callTimeoutMs: 100, runtime: systemRuntime(), log: silentLog })
  const changes = record(watchChanges({ endpoint: 'etcd:1', client }, { prefix: '/p/', after: 7 }, options))
  await eventually(() => stream.requests.length > 0, PATIENCE_MS, 'the watch')
  return { stream, changes }
}

describe('watchChanges', () => {
  it('watches from the revision after the one it knows', async () => {
    const { stream, changes } = await watched()

    const { create_request: request } = stream.requests[0] as { create_request: object }
    changes.subscription.unsubscribe()

    expect(request).toMatchObject({ key: Buffer.from('/p/'), range_end: Buffer.from('/p0'), start_revision: 8 })
    expect(stream.isCancelled).toBe(true)
  })

  it('fails when the server ends it in good order', async () => {
    const { stream, changes } = await watched()

    stream.emit('end')

    expect(changes.error).toMatchObject({ code: 'UNAVAILABLE', rawMessage: 'etcd at etcd:1: the watch was ended' })
  })

  it('fails when changes were compacted', async () => {
    const { stream, changes } = await watched()

    stream.answer({ canceled: true, compact_revision: '12' })

    expect(changes.error).toMatchObject({ code: 'OUT_OF_RANGE', reason: 'compacted' })
  })

  it('fails when the server cancels it', async () => {
    const { stream, changes } = await watched()

    stream.answer({ canceled: true, cancel_reason: 'etcdserver: permission denied' })

    expect(changes.error).toMatchObject({ code: 'PERMISSION_DENIED', reason: 'registry_permission_denied' })
  })

  it('asks where the server is, and fails when nothing comes', async () => {
    const { stream, changes } = await watched()

    await eventually(() => changes.error !== undefined, PATIENCE_MS, 'the failure')

    expect(stream.requests).toContainEqual({ progress_request: {} })
    expect(changes.error).toMatchObject({ code: 'UNAVAILABLE', reason: 'registry_unavailable' })
  })

  it('confirms with the revision of the store', async () => {
    const { stream, changes } = await watched()

    stream.answer({ created: true })
    stream.answer({})
    changes.subscription.unsubscribe()

    expect(changes.values).toEqual([{ revision: 9, changes: [] }])
  })
})
