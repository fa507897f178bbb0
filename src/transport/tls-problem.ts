import type { PeerCertificate } from 'node:tls'
import type { TlsProblem } from './transport-errors.js'

/** An error of a TLS socket of Node, or what the check of a certificate says. */
export interface TlsFault {
  /** Code of Node or of OpenSSL. */
  readonly code?: string | undefined
  /** What they say. */
  readonly message: string
  /** What OpenSSL says, in short. */
  readonly reason?: unknown
  /** Name that a certificate was to have. */
  readonly host?: unknown
  /** Certificate that does not have it. */
  readonly cert?: unknown
}

/** Where a problem was seen. */
export interface TlsProblemSite {
  /** Which end this is. */
  readonly role: 'client' | 'server'
  /** What the other end has shown, as far as it came. */
  readonly certificate?: PeerCertificate | undefined
  /** What ALPN offers. */
  readonly alpn?: string
  /** Oldest version of TLS that this end speaks. */
  readonly minVersion?: string
}

/** What an error of a TLS socket, or of the check of a certificate, means; `undefined` when TLS has no part in it. */
export function tlsProblem(fault: TlsFault, site: TlsProblemSite): TlsProblem | undefined {
  const { code = '' } = fault
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return wrongHost(fault)
  return (CERTIFICATE[code] ?? HANDSHAKE[code])?.(site, code) ?? unnamed(fault, site, code)
}

type Explain = (site: TlsProblemSite, code: string) => TlsProblem

const untrusted: Explain = ({ role, certificate }, code) => {
  const issuer = certificate?.issuer?.CN
  const who = `${ofThe(role)} was issued by ${issuer === undefined ? 'an authority' : JSON.stringify(issuer)}, which is not trusted here`
  return {
    problem: 'unknown_issuer',
    text: `${who}; give that authority as \`ca\`, and have the other end send the certificates between them (${code})`,
    facts: factsOf(certificate),
  }
}

const selfSigned: Explain = ({ role, certificate }, code) => ({
  problem: 'self_signed',
  text: `${ofThe(role)} is signed by itself; if it is meant, give it as \`ca\` (${code})`,
  facts: factsOf(certificate),
})

const outdated: Explain = ({ role, certificate }, code) => {
  const expired = code === 'CERT_HAS_EXPIRED'
  const date = expired ? certificate?.valid_to : certificate?.valid_from
  const dated = date === undefined ? '' : ` (valid ${expired ? 'until' : 'from'} ${date})`
  const is = expired ? 'has expired' : 'is not valid yet'
  return {
    problem: expired ? 'certificate_expired' : 'certificate_not_yet_valid',
    text: `${ofThe(role)}${dated} or one of its issuers ${is}; renew it, or set the clock of this machine (${code})`,
    facts: factsOf(certificate),
  }
}

/** What the check of the other end's certificate finds. */
const CERTIFICATE: Readonly<Record<string, Explain>> = {
  CERT_HAS_EXPIRED: outdated,
  CERT_NOT_YET_VALID: outdated,
  DEPTH_ZERO_SELF_SIGNED_CERT: selfSigned,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  CERT_UNTRUSTED: untrusted,
  CERT_REVOKED: ({ role }, code) => ({ problem: 'certificate_revoked', text: `${ofThe(role)} is revoked (${code})` }),
  INVALID_PURPOSE: ({ role }, code) => ({
    problem: 'wrong_purpose',
    text: `${ofThe(role)} may not be used for a ${role === 'client' ? 'server' : 'client'}: see its extended key usage (${code})`,
  }),
}

const notTls: Explain = (_, code) => ({ problem: 'not_tls', text: `the other end does not speak TLS (${code})` })

const version: Explain = ({ minVersion = 'TLSv1.2' }, code) => ({
  problem: 'protocol_version',
  text: `the two ends have no version of TLS in common; this one speaks ${minVersion} and later (${code})`,
})

const noProtocol: Explain = ({ alpn = 'http/1.1' }, code) => ({
  problem: 'no_common_protocol',
  text: `the other end does not speak the protocol ${JSON.stringify(alpn)} by its ALPN; is another service there? (${code})`,
})

const refused: Explain = ({ role }, code) => ({
  problem: role === 'client' ? 'client_certificate_refused' : 'certificate_refused',
  text: `the ${role === 'client' ? 'server' : 'client'} refuses the certificate that this end has shown (${code})`,
})

const missing: Explain = ({ role }, code) => ({
  problem: 'client_certificate_missing',
  text:
    role === 'client'
      ? `the server demands a client certificate; give one as \`identity\` (${code})`
      : `the client has shown no certificate; it has to (${code})`,
})

/** What ends a handshake, by the codes of OpenSSL as Node tells them: an `ALERT` comes from the other end. */
const HANDSHAKE: Readonly<Record<string, Explain>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: notTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: notTls,
  ERR_SSL_HTTP_REQUEST: notTls,
  ERR_SSL_UNSUPPORTED_PROTOCOL: version,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: version,
  ERR_SSL_VERSION_TOO_LOW: version,
  ERR_SSL_NO_APPLICATION_PROTOCOL: noProtocol,
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: noProtocol,
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: missing,
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: missing,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: refused,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: refused,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED: refused,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: refused,
  ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: refused,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: refused,
  ERR_SSL_TLSV1_ALERT_ACCESS_DENIED: refused,
  ERR_TLS_HANDSHAKE_TIMEOUT: (_, code) => ({
    problem: 'handshake_timeout',
    text: `no TLS handshake came in time; does the other end speak TLS? (${code})`,
  }),
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: ({ role }, code) => ({
    problem: 'handshake_failure',
    text: `the other end ends the handshake: it has no cipher in common with this one${role === 'client' ? ', or demands a client certificate (`identity`)' : ''} (${code})`,
  }),
}

/** What has no entry: other faults of a certificate, and other errors of OpenSSL. */
function unnamed({ message, reason }: TlsFault, { role }: TlsProblemSite, code: string): TlsProblem | undefined {
  if (/^(CERT|CRL|UNABLE_TO|INVALID|PATH|ERROR_IN|HOSTNAME|SUBTREE|PERMITTED|EXCLUDED)_/.test(code)) {
    return { problem: 'certificate_invalid', text: `${ofThe(role)} cannot be accepted: ${message} (${code})` }
  }
  if (!/^ERR_(SSL|TLS|OSSL)_/.test(code)) return undefined
  const text = typeof reason === 'string' ? reason : 'the handshake failed'
  return { problem: 'handshake_failure', text: `${text} (${code})` }
}

function wrongHost({ host, cert }: TlsFault): TlsProblem {
  const facts = factsOf(cert as PeerCertificate | undefined)
  return {
    problem: 'wrong_host',
    text:
      `the server's certificate is not for ${JSON.stringify(host ?? '')} but for ${facts['names'] ?? 'no name'}; ` +
      'dial a name that it has, or say which is meant as `serverName` (ERR_TLS_CERT_ALTNAME_INVALID)',
    facts,
  }
}

function ofThe(role: 'client' | 'server'): string {
  return `the certificate of the ${role === 'client' ? 'server' : 'client'}`
}

/** Names and dates, never the whole certificate. */
function factsOf(certificate: PeerCertificate | undefined): Record<string, string> {
  if (certificate === undefined) return {}
  const { subjectaltname, subject, issuer, valid_from, valid_to } = certificate
  const facts = {
    names: subjectaltname ?? subject?.CN,
    issuer: issuer?.CN,
    validFrom: valid_from,
    validTo: valid_to,
  }
  return Object.fromEntries(Object.entries(facts).filter(([, fact]) => typeof fact === 'string')) as Record<
    string,
    string
  >
}
