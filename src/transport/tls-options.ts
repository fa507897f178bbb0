import type { Observable } from 'rxjs'
import type { Log } from '../core/index.js'

/** Text in PEM form, or its bytes: one or more `-----BEGIN …-----` blocks. */
export type Pem = string | Uint8Array

/** What an end of a connection shows of itself, and how it proves that it is it. */
export interface TlsIdentity {
  /** Its certificate, followed by those of its issuers up to, and without, the one that peers trust. */
  readonly cert: Pem
  /** The private key of the certificate. Never told in messages, details or logs. */
  readonly key: Pem
  /** What the private key is encrypted with. Never told either. @default the key is not encrypted */
  readonly passphrase?: string
  /** Authorities to trust from now on, so that they can change with it. @default those of {@link TlsOptions.ca} */
  readonly ca?: Pem | readonly Pem[]
}

/** How a transport secures its connections, those that it dials and those that it accepts. */
export interface TlsOptions {
  /**
   * Who this end is: needed to listen, and to dial a server that demands client certificates. As an Observable it may
   * change while connections are open: what it emits is for those that follow. It emits what is current when it is
   * subscribed; a listener stays subscribed, a dial takes the first value. An identity that cannot be used is logged
   * (`tls.identity_refused`), and the one before stays; when it is the first, `listen` or `dial` fails with
   * INVALID_ARGUMENT (reason `invalid_identity`).
   * @default none
   */
  readonly identity?: TlsIdentity | Observable<TlsIdentity>
  /** Authorities whose certificates are trusted. @default those of Node, for servers; for clients it has to be given */
  readonly ca?: Pem | readonly Pem[]
  /** Whether whoever dials has to show a certificate of one of the `ca`: mutual TLS. @default false */
  readonly requireClientCertificate?: boolean
  /** Name that a dialled server's certificate must have, and is asked for by. @default the host of the address */
  readonly serverName?: string
  /** Oldest version of TLS that is spoken. @default 'TLSv1.2' */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
  /** How long an accepted connection may take to shake hands, in ms; a dialled one has the time to connect. @default 10_000 */
  readonly handshakeTimeoutMs?: number
  /** Where identities and clients that were refused are told. @default consoleLog */
  readonly log?: Log
}
