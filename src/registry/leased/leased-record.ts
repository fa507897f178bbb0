import * as E from 'fp-ts/lib/Either.js'
import { RpcError } from '../../core/index.js'
import { checkedInstance } from '../checked.js'
import { decodeRecord, encodeRecord, MAX_RECORD_CHARS, recordFaults, recordKey } from '../go-micro-record.js'
import type { StoreRecord } from '../lease-store.js'
import type { Instance } from '../registry.js'
import type { SkippedRecords } from '../skipped-records.js'

/**
 * What an instance is in a store.
 * Throws INVALID_ARGUMENT (reason `invalid_instance`), or RESOURCE_EXHAUSTED (reason `record_too_large`) when nobody
 * would read so long a record.
 */
export function recordOf(instance: Instance, prefix: string): StoreRecord {
  const { name, node } = checkedInstance(instance, recordFaults)
  const value = encodeRecord(instance)
  if (value.length <= MAX_RECORD_CHARS) return { key: recordKey(prefix, name, node.id), value }
  throw new RpcError(
    'RESOURCE_EXHAUSTED',
    `the record of ${name} node ${node.id} has ${value.length} characters, at most ${MAX_RECORD_CHARS}: ` +
      'shorten its metadata or endpoints',
    { reason: 'record_too_large', details: { characters: value.length, limit: MAX_RECORD_CHARS } },
  )
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
