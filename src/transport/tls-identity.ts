import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls'
import * as E from 'fp-ts/lib/Either.js'
import type { TlsIdentity } from './tls-options.js'
import type { PeerCertificate } from './transport.js'

/** An identity, or the lack of one, as connections use it. */
export interface Credentials {
  /** For the options of a server. */
  readonly options: SecureContextOptions
  /** For connections that are dialled. */
  readonly context: SecureContext
  /** The certificate of the identity. */
  readonly certificate: X509Certificate | undefined
}

/** What holds whatever the identity is. */
export interface TrustOptions {
  /** Authorities that are trusted. */
  readonly ca: readonly Buffer[] | undefined
  /** Oldest version of TLS. */
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** Whether clients have to show a certificate, which only named authorities can have given. */
  readonly requireClientCertificate: boolean
}

/**
 * Makes credentials, or says what is wrong with each part. Neither values nor what OpenSSL says of them are quoted: a
 * key that was given in the wrong place must not end up in a log.
 */
export function readIdentity(
  identity: TlsIdentity | undefined,
  { ca, minVersion, requireClientCertificate }: TrustOptions,
): E.Either<readonly string[], Credentials> {
  const faults: string[] = []
  const own = identity === undefined ? undefined : readPair(identity, faults)
  const trusted = identity?.ca === undefined ? ca : readAuthorities(identity.ca, 'identity.ca', faults)
  if (requireClientCertificate && trusted === undefined) {
    faults.push('ca: needed where client certificates are required, for any public authority would do otherwise')
  }
  if (faults.length > 0) return E.left(faults)
  const options: SecureContextOptions = { minVersion, ...own?.options, ...(trusted && { ca: [...trusted] }) }
  try {
    return E.right({ options, context: createSecureContext(options), certificate: own?.certificate })
  } catch (error) {
    return E.left([`identity: OpenSSL refuses it (${(error as NodeJS.ErrnoException).code ?? 'without a code'})`])
  }
}

/** Certificates of authorities, one a block; faults are added to `faults`. */
export function readAuthorities(ca: unknown, name: string, faults: string[]): readonly Buffer[] {
  const given: readonly unknown[] = Array.isArray(ca) ? ca : [ca]
  if (given.length === 0) faults.push(`${name}: expected at least one certificate`)
  return given.map((each, index) => {
    const pem = bytesOf(each)
    if (pem === undefined || certificateIn(pem) === undefined) {
      faults.push(`${name}${Array.isArray(ca) ? `[${index}]` : ''}: ${expected('certificate', pem)}`)
    }
    return pem ?? Buffer.alloc(0)
  })
}

function readPair(
  identity: TlsIdentity,
  faults: string[],
): { readonly options: SecureContextOptions; readonly certificate: X509Certificate } | undefined {
  const cert = bytesOf((identity as Partial<TlsIdentity> | null)?.cert)
  const key = bytesOf((identity as Partial<TlsIdentity> | null)?.key)
  const passphrase: unknown = (identity as Partial<TlsIdentity> | null)?.passphrase
  const certificate = cert && certificateIn(cert)
  if (certificate === undefined) faults.push(`identity.cert: ${expected('certificate', cert)}`)
  const privateKey = readKey(key, passphrase)
  if (typeof privateKey === 'string') faults.push(`identity.key: ${privateKey}`)
  if (cert === undefined || certificate === undefined || key === undefined || typeof privateKey === 'string') {
    return undefined
  }
  if (!certificate.checkPrivateKey(privateKey)) {
    faults.push(`identity.key: it is not the key of the first certificate, that of ${nameOf(certificate)}`)
    return undefined
  }
  return { options: { cert, key, ...(typeof passphrase === 'string' && { passphrase }) }, certificate }
}

/** The key, or what is wrong with it. */
function readKey(key: Buffer | undefined, passphrase: unknown): KeyObject | string {
  if (passphrase !== undefined && typeof passphrase !== 'string') return 'its passphrase is no text'
  if (key === undefined) return expected('private key', key)
  try {
    return createPrivateKey({ key, ...(passphrase !== undefined && { passphrase }) })
  } catch {
    const encrypted = key.includes('ENCRYPTED')
    if (encrypted && passphrase === undefined) return 'it is encrypted, and `passphrase` is not given'
    if (encrypted) return 'it is encrypted, and `passphrase` does not open it'
    return expected('private key', key)
  }
}

/** Common name and other names of a certificate, in one line. */
export function nameOf({ subject, subjectAltName }: X509Certificate): string {
  const names = [inOneLine(subject), subjectAltName].filter(Boolean)
  return names.length === 0 ? 'nobody in particular' : names.join(', ')
}

/** The certificate that the other end of an open connection has proven to be its own. */
export function shownCertificate(socket: TLSSocket): PeerCertificate | undefined {
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined
  if (certificate === undefined) return undefined
  const { subject, subjectAltName, issuer, fingerprint256 } = certificate
  return {
    subject: inOneLine(subject),
    names: subjectAltName?.split(', ') ?? [],
    issuer: inOneLine(issuer),
    fingerprint256,
  }
}

function inOneLine(name: string | undefined): string {
  return name?.replaceAll('\n', ', ') ?? ''
}

function certificateIn(pem: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined // what is wrong with it is said without quoting it
  }
}

function expected(what: string, pem: Buffer | undefined): string {
  if (pem === undefined) return `expected a ${what} in PEM form, as text or bytes`
  const label = /-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(pem.toString('latin1'))?.[1]
  if (label === undefined) return `expected a ${what} in PEM form, found no -----BEGIN line`
  return label.includes(what.toUpperCase())
    ? `the ${what} cannot be read`
    : `expected a ${what} in PEM form, found ${label}`
}

function bytesOf(pem: unknown): Buffer | undefined {
  if (typeof pem === 'string') return Buffer.from(pem)
  return pem instanceof Uint8Array ? Buffer.from(pem.buffer, pem.byteOffset, pem.byteLength) : undefined
}
