import { RpcError } from './rpc-error.js'

/**
 * Names and values that travel beside a message: lower-case names, string values, at most one value a name.
 * The object has no prototype, so a name such as `constructor` is only ever a name.
 */
export type Header = { readonly [name: string]: string }

/** The header without entries; shared and frozen. */
export const emptyHeader: Header = Object.freeze(Object.create(null) as Header)

/** Most entries a header may have, ours or a peer's. */
export const MAX_HEADER_ENTRIES = 64

/** Most bytes the names and values of a header may have together, as UTF-8. */
export const MAX_HEADER_BYTES = 8192

const NAME = /^[a-z0-9][a-z0-9._-]{0,127}$/

/**
 * Makes a header of plain entries; names are lower-cased, `undefined` values left out.
 * Throws INVALID_ARGUMENT (reason `invalid_header`) naming every bad entry, or when there are too many or too long ones.
 */
export function header(entries: { readonly [name: string]: string | undefined }): Header {
  const result: Record<string, string> = Object.create(null)
  const faults: string[] = []
  let count = 0
  let bytes = 0
  for (const [key, value] of Object.entries(entries)) {
    if (value === undefined) continue
    const name = key.toLowerCase()
    if (!NAME.test(name)) faults.push(`name ${JSON.stringify(key)} (use a-z 0-9 . _ -, at most 128)`)
    else if (typeof value !== 'string') faults.push(`value of ${name} is a ${typeof value}, not a string`)
    else {
      result[name] = value
      bytes += name.length + utf8Length(value)
    }
    count++
  }
  if (count > MAX_HEADER_ENTRIES) faults.push(`${count} entries, at most ${MAX_HEADER_ENTRIES}`)
  if (bytes > MAX_HEADER_BYTES) faults.push(`${bytes} bytes, at most ${MAX_HEADER_BYTES}`)
  if (faults.length > 0) {
    throw new RpcError('INVALID_ARGUMENT', `header: ${faults.join('; ')}`, { reason: 'invalid_header' })
  }
  return count === 0 ? emptyHeader : result
}

/** `first` with the entries of `second` laid over it. */
export function mergeHeaders(first: Header, second: Header): Header {
  if (first === emptyHeader) return second
  if (second === emptyHeader) return first
  return Object.assign(Object.create(null), first, second) as Header
}

function utf8Length(text: string): number {
  let length = text.length
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    // Half of a surrogate pair is two of the four bytes of its character.
    if (unit > 0x7f) length += unit < 0x800 || (unit & 0xf800) === 0xd800 ? 1 : 2
  }
  return length
}
