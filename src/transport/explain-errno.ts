const MEANINGS: Readonly<Record<string, string>> = {
  EACCES: 'not permitted; ports below 1024 need privileges, files their permissions',
  EADDRINUSE: 'the address is taken',
  EADDRNOTAVAIL: 'this machine has no such address',
  EAI_AGAIN: 'the name service does not answer',
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the peer reset the connection',
  EHOSTUNREACH: 'no route to the host',
  EMFILE: 'this process has too many files open',
  ENETUNREACH: 'no route to the network',
  ENOENT: 'there is no such file or folder',
  ENOTFOUND: 'the host name is unknown',
  EPIPE: 'the peer has closed',
  ETIMEDOUT: 'the peer does not answer',
}

/** What a system error means, with its code: `nobody listens there (ECONNREFUSED)`. */
export function explainErrno(error: NodeJS.ErrnoException): string {
  const { code, reason } = error as NodeJS.ErrnoException & { readonly reason?: unknown }
  const message = typeof reason === 'string' && reason !== '' ? reason : error.message // OpenSSL's own is long-winded
  if (code === undefined) return message
  const meaning = MEANINGS[code]
  return meaning === undefined ? `${message} (${code})` : `${meaning} (${code})`
}
