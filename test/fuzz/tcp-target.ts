import { systemRuntime, type LogEvent } from 'millrace/core'
import type { Connection, Peer } from 'millrace/protocol'
import { rsocket } from 'millrace/protocol/rsocket'
import { tcp } from 'millrace/transport/tcp'
import { catchError, combineLatest, config, EMPTY, repeat, Subscription } from 'rxjs'
import { MemoryWatch, type MemoryUse } from './memory-watch.js'
import { callAlways, targetOptions, targetServer, variants, type Running } from './target.js'
import { textOf } from './text-of.js'
import { until } from './until.js'

/**
 * The process under attack over TCP: a server, and clients that connect to a hostile one, again and again. It is told
 * by messages what to do, and tells where it listens and what it has found.
 */

/** What the process is told. */
export type Order =
  | { readonly order: 'callHostileServer'; readonly address: string }
  | { readonly order: 'watchMemory' }
  | { readonly order: 'finish' }

/** What the process tells. */
export type Finding =
  | { readonly listening: readonly string[] }
  | { readonly memory: MemoryUse; readonly failures: readonly string[] }

const SAMPLE_EVERY_MS = 50
const PATIENCE_MS = 10_000

const runtime = systemRuntime()
const running: Running = { handlers: 0 }
const failures = new Set<string>()
const open = new Set<Connection>()
const watch = new MemoryWatch()

const escaped = (error: unknown): void => void failures.add(`an exception escaped: ${textOf(error)}`)
process.on('uncaughtException', escaped).on('unhandledRejection', escaped)
config.onUnhandledError = escaped

const log = ({ event, message }: LogEvent): void => {
  if (event === 'teardown.failed') failures.add(`${event}: ${message}`)
}
const peer = targetServer(runtime, log, running)
const protocols = variants.map(variant =>
  rsocket(tcp({ maxFrameBytes: 1_000_000, closeTimeoutMs: 200 }), { ...targetOptions, ...variant, runtime, log }),
)

const listening = combineLatest(protocols.map(protocol => protocol.listen('127.0.0.1:0', serve))).subscribe(bindings =>
  tell({ listening: bindings.map(({ address }) => address) }),
)
const calling = new Subscription()
const sampling = setInterval(() => watch.sample(), SAMPLE_EVERY_MS)

process.on('message', (message: Order) => {
  if (message.order === 'callHostileServer') callHostileServer(message.address)
  else if (message.order === 'watchMemory') watch.start()
  else void finish()
})
process.on('disconnect', () => process.exit(0))

function callHostileServer(address: string): void {
  for (const protocol of protocols) {
    calling.add(
      protocol
        .connect(address, { serve: peer })
        .pipe(
          catchError(() => EMPTY),
          repeat({ delay: 1 }),
        )
        .subscribe(callBadly),
    )
  }
}

function serve(remote: Connection): Peer {
  callBadly(remote)
  return peer
}

function callBadly(connection: Connection): void {
  callAlways(connection, runtime)
  open.add(connection)
  connection.status.subscribe({ complete: () => runtime.macrotask(() => forget(connection)) })
}

function forget(connection: Connection): void {
  if (connection.running === 0) open.delete(connection)
}

async function finish(): Promise<void> {
  calling.unsubscribe()
  await until(() => open.size + running.handlers === 0, PATIENCE_MS)
  if (running.handlers !== 0) failures.add(`${running.handlers} handlers still run`)
  if (open.size !== 0) failures.add(`${open.size} connections are still open`)
  listening.unsubscribe()
  clearInterval(sampling)
  tell({ memory: watch.stop(), failures: [...failures] })
}

function tell(finding: Finding): void {
  process.send?.(finding)
}
