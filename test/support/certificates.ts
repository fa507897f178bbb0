import { readFileSync } from 'node:fs'
import type { TlsIdentity } from 'millrace/transport/tls'

/** What test/support/certificates/make.sh makes. */
export type CertificateName =
  | 'authority'
  | 'other-authority'
  | 'server'
  | 'renewed'
  | 'elsewhere'
  | 'client'
  | 'stranger'
  | 'expired'
  | 'future'
  | 'self-signed'
  | 'encrypted'

/** The certificate of an authority, or of an end, in PEM form. */
export function certificate(name: CertificateName): string {
  return block(name, /-----BEGIN CERTIFICATE-----.*-----END CERTIFICATE-----\n/s)
}

/** A certificate and its key. */
export function identity(name: CertificateName): TlsIdentity {
  return { cert: certificate(name), key: block(name, /-----BEGIN [A-Z ]*PRIVATE KEY-----.*-----END .*KEY-----\n/s) }
}

function block(name: CertificateName, pattern: RegExp): string {
  const found = pattern.exec(readFileSync(`test/support/certificates/${name}.pem`, 'utf8'))?.[0]
  if (found === undefined) throw new Error(`${name}.pem has no ${String(pattern)}`)
  return found
}
