/** A seed of its own for each `purpose` of one `seed`: FNV-1a in 32-bit integers, so equal on every machine. */
export function seedOf(seed: number, purpose: string): number {
  let hash = 0x811c9dc5 ^ seed
  for (let index = 0; index < purpose.length; index++) {
    hash = Math.imul(hash ^ purpose.charCodeAt(index), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return hash ^ (hash >>> 13)
}
