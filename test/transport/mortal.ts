import { contract, serverStream, unary } from 'millrace'

/** The service of a process that is killed. */
export const Mortal = contract('mortal', {
  /** The process that answers. */
  pid: unary<void, number>(),
  /** How many bytes came. */
  size: unary<Uint8Array, number>(),
  /** Says nothing. */
  never: serverStream<void, number>(),
})
