import { leasedRegistry } from '../leased/leased-registry.js'
import type { RecordRegistry } from '../skipped-records.js'
import { etcdClients } from './etcd-clients.js'
import { resolveEtcdOptions, type EtcdOptions } from './etcd-options.js'
import { etcdStore } from './etcd-store.js'

/**
 * A registry in etcd 3.4 or later, with go-micro's keys and records: its services see ours and ours see its.
 *
 * It is `leasedRegistry` over etcd. The value holds connections while anything of it is subscribed, and none otherwise.
 * Members that do not answer are passed over. Trouble is told and tried again, for ever: a registration says `lost`, a
 * watch is stale, and only `get` and `list` fail, with the code and reason of {@link LeaseStore} and a message that
 * names the endpoint and the cause.
 *
 * Throws INVALID_ARGUMENT (reason `invalid_options`) for options that cannot work.
 */
export function etcd(options?: EtcdOptions): RecordRegistry {
  const resolved = resolveEtcdOptions(options)
  const { prefix, ttlMs, runtime, log } = resolved
  return leasedRegistry({ store: etcdStore(etcdClients(resolved), resolved), prefix, ttlMs, runtime, log })
}
