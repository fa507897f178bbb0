import * as E from 'fp-ts/lib/Either.js'
import { silentLog } from 'millrace/core'
import type { Service } from 'millrace/registry'
import { mdns } from 'millrace/registry/mdns'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeRecord, encodeRecord, recordKey } from '../../src/registry/go-micro-record.js'
import { eventually } from '../support/deadline.js'

/** What a real go-micro has written. */
const recorded = JSON.parse(readFileSync('test/registry/recorded/go-micro-5.3.0.json', 'utf8')) as {
  readonly etcd: readonly { readonly key: string; readonly value: string }[]
  readonly mdns: { readonly announcement: string; readonly goodbye: string }
}

const GREETER = {
  name: 'greeter',
  version: '1.2.3',
  endpoints: [
    {
      name: 'Greeter.Hello',
      request: { name: 'Req', type: 'Req', values: [{ name: 'name', type: 'string', values: null }] },
      response: { name: 'Rsp', type: 'Rsp', values: [{ name: 'text', type: 'string', values: null }] },
      metadata: { stream: 'true' },
    },
  ],
}
const NODE = { id: 'greeter-1', address: '10.0.0.5:40123', metadata: { protocol: 'mucp', transport: 'http' } }
const MS = 5000

describe('records of go-micro in etcd', () => {
  it('are read as they were meant', () => {
    const bare = { name: 'bare', version: 'latest', metadata: {}, endpoints: [] }

    expect(recorded.etcd.map(({ value }) => decodeRecord(value))).toEqual([
      E.right({ ...bare, node: { id: 'bare-1', address: '10.0.0.6:1', metadata: {} } }),
      E.right({ ...GREETER, metadata: { team: 'words' }, node: NODE }),
    ])
  })

  it('have the keys and the content that ours have', () => {
    for (const { key, value } of recorded.etcd) {
      const read = decodeRecord(value)
      if (E.isLeft(read)) throw new Error(read.left)
      const { name, node } = read.right

      expect(recordKey('/micro/registry', name, node.id)).toBe(key)
      expect(JSON.parse(encodeRecord(read.right))).toEqual(JSON.parse(value))
    }
  })
})

describe('packets of go-micro', () => {
  let sender: Socket

  beforeAll(async () => {
    sender = createSocket({ type: 'udp4', reuseAddr: true }).bind(0, '127.0.0.1')
    await once(sender, 'listening')
    sender.setMulticastInterface('127.0.0.1')
  })

  afterAll(() => {
    sender.close()
  })

  it('announce a node and say goodbye', async () => {
    const { port } = sender.address()
    let seen: readonly Service[] | undefined
    const watching = mdns({ port, loopbackOnly: true, log: silentLog })
      .watch('greeter')
      .subscribe(({ services }) => (seen = services))
    await eventually(() => seen !== undefined, MS, 'the empty picture')

    sender.send(Buffer.from(recorded.mdns.announcement, 'hex'), port, '224.0.0.251')
    await eventually(() => seen?.length === 1, MS, 'the node')
    const announced = seen
    sender.send(Buffer.from(recorded.mdns.goodbye, 'hex'), port, '224.0.0.251')
    await eventually(() => seen?.length === 0, MS, 'the goodbye')
    watching.unsubscribe()

    expect(announced).toEqual([{ ...GREETER, metadata: {}, nodes: [NODE] }])
  })
})
