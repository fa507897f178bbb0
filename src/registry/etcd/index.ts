export * from './etcd.js'
export type { EtcdAuth, EtcdOptions, EtcdTls } from './etcd-options.js'
