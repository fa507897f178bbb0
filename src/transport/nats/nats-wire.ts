/** Version of what goes over NATS, in every hello. */
export const VERSION = 1

/**
 * What a message is, its first byte.
 *
 * | kind    | direction              | after the first byte                                      |
 * | ------- | ---------------------- | --------------------------------------------------------- |
 * | hello   | dialler → listener     | version; the reply subject is the dialler's               |
 * | welcome | listener → dialler     | nothing; the reply subject is that of the accepted end    |
 * | refused | listener → dialler     | its version                                               |
 * | data    | either way             | number, 4 bytes; then bytes of the stream of frames       |
 * | goodbye | either way             | number, 4 bytes: nothing comes after it                   |
 * | reset   | either way             | nothing: the sender has dropped the connection            |
 * | probe   | who wants to listen    | nothing; answered with a refusal when somebody listens    |
 */
export const kinds = { hello: 1, welcome: 2, refused: 3, data: 4, goodbye: 5, reset: 6, probe: 7 } as const

/** Bytes before the stream in a data message: kind and number. */
export const DATA_HEADER_BYTES = 5

/** Puts kind and number of a message at `offset`; numbers begin at 0 and go round. */
export function putDataHeader(target: Uint8Array, offset: number, kind: number, number: number): void {
  target[offset] = kind
  target[offset + 1] = number >>> 24
  target[offset + 2] = number >>> 16
  target[offset + 3] = number >>> 8
  target[offset + 4] = number
}

/** Number of a data message or a goodbye; `undefined` when it is too short. */
export function numberOf(message: Uint8Array): number | undefined {
  const [, a, b, c, d] = message
  if (a === undefined || b === undefined || c === undefined || d === undefined) return undefined
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
}
