import * as E from 'fp-ts/lib/Either.js'
import type { Log } from '../../core/index.js'
import { decodeRecord, encodeRecord, recordKey } from '../go-micro-record.js'
import type { StoreRecord } from '../lease-store.js'
import type { Instance } from '../registry.js'

/** What an instance is in a store. */
export function recordOf(instance: Instance, prefix: string): StoreRecord {
  return { key: recordKey(prefix, instance.name, instance.node.id), value: encodeRecord(instance) }
}

/** Reads the records under `prefix`; one that cannot be read is skipped with a log line. */
export function recordReader(prefix: string, log: Log): (record: StoreRecord) => Instance | undefined {
  const skip = (key: string, why: string): undefined => {
    log({ level: 'warn', event: 'registry.record_skipped', message: `${key.slice(0, 200)} is skipped: ${why}` })
  }
  return ({ key, value }) => {
    const read = decodeRecord(value)
    if (E.isLeft(read)) return skip(key, read.left)
    const { name, node } = read.right
    return recordKey(prefix, name, node.id) === key ? read.right : skip(key, `it is of ${name} node ${node.id}`)
  }
}
