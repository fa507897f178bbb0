/** 32 bits of a text: FNV-1a over its code units, in integers, so equal on every machine. Mix it before comparing. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash >>> 0
}

/** A number from 0 to 2³² - 1 in which each bit depends on all of both hashes: the finalizer of MurmurHash3. */
export function mixed(first: number, second: number): number {
  let hash = first ^ second
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
