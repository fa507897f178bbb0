import { BehaviorSubject, ReplaySubject, share, timer } from 'rxjs'
import type { Log, RpcError } from '../../core/index.js'
import { keptLink } from './kept-link.js'
import type { NatsConnection, NatsLink, NatsStatus } from './nats-link.js'
import { type NatsOptions, resolveNatsOptions } from './nats-options.js'

/**
 * A connection to a nats-server, or to a cluster of them, for brokers and transports to share.
 *
 * It is opened when the first of them uses it, and closed `idleMs` after the last has gone, once the server has what was
 * published. When it is lost, all servers are tried, after a pause of 50 to 100 ms that doubles up to 1 to 2 s, until one
 * has let us in; the pauses begin anew when a connection has held for 2 s. A server that is silent, frozen or cut off, is
 * noticed after two `pingIntervalMs` at the latest.
 *
 * Throws INVALID_ARGUMENT (reason `invalid_options`) that lists every fault.
 */
export function natsConnection(options?: NatsOptions): NatsConnection {
  const resolved = resolveNatsOptions(options)
  const { idleMs, log, runtime } = resolved
  const status$ = new BehaviorSubject<NatsStatus>({ state: 'disconnected' })
  const tell = (status: NatsStatus): void => {
    logChange(log, status$.value, status)
    status$.next(status)
  }
  const link$ = keptLink(resolved, tell).pipe(
    share({
      connector: () => new ReplaySubject<NatsLink | undefined>(1),
      resetOnRefCountZero: () => timer(idleMs, runtime.scheduler),
    }),
  )
  return { link$, status$: status$.asObservable() }
}

/** One line when it is lost, or does not come about, and one when it is there again. */
function logChange(log: Log, before: NatsStatus, now: NatsStatus): void {
  const failed = failureOf(now)
  const failedBefore = failureOf(before)
  if (failed !== undefined && failedBefore === undefined) {
    log({
      level: 'warn',
      event: 'nats.disconnected',
      message: `${failed.rawMessage}; it is tried again without end`,
      fields: { error: failed },
    })
  } else if (failedBefore !== undefined && now.state === 'connected') {
    log({ level: 'info', event: 'nats.connected', message: `connected to nats-server ${now.server}` })
  }
}

function failureOf(status: NatsStatus): RpcError | undefined {
  return status.state === 'connecting' ? status.error : undefined
}
