import type { RpcError } from '../core/index.js'
import { connectionLost } from './transport-errors.js'

/** In order. */
export const NORMAL = 1000
/** The peer sent text, where only binary messages are taken. */
export const NOT_BINARY = 1003
/** The peer sent a message above the limit. */
export const TOO_LONG = 1009

/** Added to a code by a page, for a browser lets it send none of the protocol's own but {@link NORMAL}. */
export const FROM_PAGE = 3000

/** The code of an end without a closing handshake; it is never sent. */
const ABNORMAL = 1006

/** Normal, going away (a page is left, a server stops), none given. */
const IN_ORDER: readonly number[] = [NORMAL, 1001, 1005]

const MEANINGS: Readonly<Record<number, string>> = {
  1002: 'protocol error',
  [NOT_BINARY]: 'only binary messages are taken',
  1007: 'malformed text',
  1008: 'policy violation',
  [TOO_LONG]: 'message too long',
  1010: 'extension missing',
  1011: 'server failure',
  1012: 'restart',
  1013: 'try again later',
  1014: 'bad gateway',
}

/** The error of a connection that ended with `code`, and with `why` where no code came; none for an end in order. */
export function endOf(
  remote: string,
  code: number,
  { said, why, cause }: { readonly said: string; readonly why: string; readonly cause?: unknown },
): RpcError | undefined {
  if (IN_ORDER.includes(code)) return undefined
  if (code === ABNORMAL) return connectionLost(remote, why, cause)
  const meaning = MEANINGS[code] ?? MEANINGS[code - FROM_PAGE]
  const words = [meaning, said === meaning ? '' : said].filter(Boolean).join(': ')
  return connectionLost(remote, `it closed with code ${code}${words && ` (${words})`}`, cause)
}
