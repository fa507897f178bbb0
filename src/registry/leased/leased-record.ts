import * as E from 'fp-ts/lib/Either.js'
import { decodeRecord, encodeRecord, recordKey } from '../go-micro-record.js'
import type { StoreRecord } from '../lease-store.js'
import type { Instance } from '../registry.js'
import type { SkippedRecords } from '../skipped-records.js'

/** What an instance is in a store. */
export function recordOf(instance: Instance, prefix: string): StoreRecord {
  return { key: recordKey(prefix, instance.name, instance.node.id), value: encodeRecord(instance) }
}

/** Reads the records under `prefix`; one that cannot be read is skipped. */
export function recordReader(prefix: string, skipped: SkippedRecords): (record: StoreRecord) => Instance | undefined {
  const skip = (key: string, why: string): undefined => {
    skipped.skip(key, why)
  }
  return ({ key, value }) => {
    const read = decodeRecord(value)
    if (E.isLeft(read)) return skip(key, read.left)
    const { name, node } = read.right
    return recordKey(prefix, name, node.id) === key ? read.right : skip(key, `it is of ${name} node ${node.id}`)
  }
}
