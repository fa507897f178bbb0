export { identityFromFiles, type IdentityFiles } from './identity-from-files.js'
export type { Pem, TlsIdentity, TlsOptions } from './tls-options.js'
