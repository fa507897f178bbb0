import { invalidAddress } from './transport-errors.js'

/** The system has 108 bytes for a path on Linux, 104 elsewhere, of which one ends it. */
const MAX_BYTES = process.platform === 'linux' ? 107 : 103

/**
 * Reads the address of a Unix domain socket: an absolute path, for a relative one means another file to each process.
 * Throws INVALID_ARGUMENT (reason `invalid_address`).
 */
export function socketPath(address: string): string {
  if (!address.startsWith('/') || address.endsWith('/')) throw invalidAddress(address, 'the absolute path of a socket')
  if (address.includes('\0')) throw invalidAddress(address, 'a path without NUL')
  const bytes = Buffer.byteLength(address)
  if (bytes > MAX_BYTES) {
    throw invalidAddress(
      address,
      `a path of at most ${MAX_BYTES} bytes, which is all that the system takes, not ${bytes}`,
    )
  }
  return address
}
