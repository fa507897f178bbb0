import { GRPCResourceExhastedError, type Etcd3, type IRangeRequest } from 'etcd3'
import { firstValueFrom } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { listPages } from '../../src/registry/etcd/list-pages.js'

/** A client of an etcd with the keys `/p/0` to `/p/9`, whose answers may have `most` records. */
function clientOf(most: number, asked: (number | undefined)[]): Etcd3 {
  const keys = Array.from({ length: 10 }, (_, index) => Buffer.from(`/p/${index}`))
  const range = async ({ key = Buffer.alloc(0), limit = 0, revision }: IRangeRequest) => {
    asked.push(Number(limit))
    const rest = keys.filter(each => each.compare(key) >= 0)
    const page = rest.slice(0, Number(limit))
    if (page.length > most) throw new GRPCResourceExhastedError('Received message larger than max')
    const kvs = page.map(each => ({ key: each, value: Buffer.from('v') }))
    return { header: { revision: revision ?? '7' }, kvs, more: page.length < rest.length }
  }
  return { kv: { range } } as unknown as Etcd3
}

describe('listPages', () => {
  it('asks for fewer records when an answer is too large', async () => {
    const asked: (number | undefined)[] = []

    const { revision, records } = await firstValueFrom(listPages(clientOf(3, asked), '/p/'))

    expect(records.map(({ key }) => key)).toEqual(Array.from({ length: 10 }, (_, index) => `/p/${index}`))
    expect(revision).toBe(7)
    expect(asked.slice(0, 4)).toEqual([512, 64, 8, 1])
  })

  it('fails with one record that is too large', async () => {
    await expect(firstValueFrom(listPages(clientOf(0, []), '/p/'))).rejects.toThrow('larger than max')
  })
})
