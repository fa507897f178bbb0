/** All keys that begin with a prefix, as etcd takes it. */
export interface PrefixRange {
  /** The first key. */
  readonly key: Buffer
  /** The first key that is beyond. */
  readonly range_end: Buffer
}

/** The range of a prefix that is not empty and does not end in the highest character. */
export function prefixRange(prefix: string): PrefixRange {
  const key = Buffer.from(prefix)
  const range_end = Buffer.from(key)
  const last = range_end.length - 1
  range_end.writeUInt8(range_end.readUInt8(last) + 1, last) // UTF-8 has no byte 255
  return { key, range_end }
}
