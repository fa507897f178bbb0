import type { PeerCertificate } from './transport.js'

/** What a connection knows of its two ends. */
export interface Ends {
  /** Address of this end. */
  readonly local: string
  /** Address of the other end. */
  readonly remote: string
  /** {@link Socket.peerCertificate}. @default none */
  readonly peerCertificate?: PeerCertificate
}
