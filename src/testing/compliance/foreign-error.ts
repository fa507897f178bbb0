/** An error of somebody else, which has no code and no reason: what user code throws, and peers pass on. */
export function foreignError(message: string): Error {
  return new Error(message)
}
