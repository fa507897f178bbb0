import { GRPCResourceExhastedError, type Etcd3, type IRangeResponse } from 'etcd3'
import { catchError, defer, EMPTY, expand, map, type Observable, reduce } from 'rxjs'
import type { StoreListing, StoreRecord } from '../lease-store.js'
import { prefixRange } from './prefix-range.js'

/** Most records in one answer: a large registry is many small answers. */
const PAGE_RECORDS = 512

interface Page {
  /** The revision that the whole listing is of. */
  readonly revision: string
  readonly response: IRangeResponse
}

/** All records under a prefix, page by page, each as of the revision of the first. */
export function listPages(client: Etcd3, prefix: string): Observable<StoreListing> {
  const { key: first, range_end } = prefixRange(prefix)
  const page = (key: Buffer, revision?: string, limit = PAGE_RECORDS): Observable<Page> =>
    defer(() => client.kv.range({ key, range_end, limit, ...(revision !== undefined && { revision }) })).pipe(
      map(response => ({ response, revision: revision ?? response.header.revision })),
      catchError((error: unknown) => {
        // Records so large that a page of them is more than one answer may have.
        if (limit > 1 && error instanceof GRPCResourceExhastedError) return page(key, revision, Math.ceil(limit / 8))
        throw error
      }),
    )
  return page(first).pipe(
    expand(({ response: { more, kvs }, revision }) => (more ? page(afterKey(kvs.at(-1)?.key), revision) : EMPTY)),
    reduce(withPage, { revision: -1, records: [] } as Growing),
  )
}

interface Growing extends StoreListing {
  readonly records: StoreRecord[]
}

function withPage({ records }: Growing, { response, revision }: Page): Growing {
  for (const { key, value } of response.kvs) records.push({ key: key.toString(), value: value.toString() })
  return { revision: Number(revision), records }
}

/** The least key that is greater. */
function afterKey(key: Buffer | undefined): Buffer {
  return Buffer.concat([key ?? Buffer.alloc(0), Buffer.alloc(1)])
}
