import { silentLog, systemRuntime } from 'millrace/core'
import type { Binding, Connection } from 'millrace/protocol'
import { rsocket } from 'millrace/protocol/rsocket'
import { tcp } from 'millrace/transport/tcp'
import { Subscription } from 'rxjs'
import { MemoryWatch, type MemoryUse } from './memory-watch.js'
import { headOf, targetServer, type Running } from './target.js'
import { until } from './until.js'

/** What {@link manyCalls} has found. */
export interface CallsReport {
  /** Calls that were answered. */
  readonly calls: number
  /** Memory of the process, which has both ends. */
  readonly memory: MemoryUse
  /** What must not happen and did; empty when all is well. */
  readonly failures: readonly string[]
}

const AT_ONCE = 64
const PATIENCE_MS = 5000

/** Makes so many calls one after the other over one TCP connection, and looks whether anything is left of them. */
export async function manyCalls(calls: number, onProgress: (calls: number) => void): Promise<CallsReport> {
  const running: Running = { handlers: 0 }
  const failures = new Set<string>()
  const lifetimes = new Subscription()
  const protocol = rsocket(tcp(), { log: silentLog })
  let server: Connection | undefined
  const { address } = await new Promise<Binding>(resolve => {
    const peer = targetServer(systemRuntime(), silentLog, running)
    lifetimes.add(protocol.listen('127.0.0.1:0', remote => ((server = remote), peer)).subscribe(resolve))
  })
  const client = await new Promise<Connection>((resolve, reject) => {
    lifetimes.add(protocol.connect(address).subscribe({ next: resolve, error: reject }))
  })
  const watch = new MemoryWatch()
  watch.start()
  let made = 0
  let answered = 0
  let moved = performance.now()
  const call = (): void => {
    if (made === calls) return
    const body = made++
    let reply: unknown
    client.call({ ...headOf('echo'), kind: 'unary', body }).subscribe({
      next: message => (reply = message.body),
      error: (error: Error) => failures.add(`call ${body} failed: ${error.message}`),
      complete: () => {
        if (reply !== body) failures.add(`call ${body} was answered with ${JSON.stringify(reply)}`)
        answered++
        moved = performance.now()
        call()
      },
    })
  }
  for (let index = 0; index < AT_ONCE; index++) call()
  const isOver = (): boolean => {
    watch.sample()
    onProgress(answered)
    return answered === calls || failures.size > 0 || performance.now() - moved > PATIENCE_MS
  }
  await until(isOver, Infinity)
  if (answered < calls) failures.add(`only ${answered} of ${calls} calls were answered`)
  await until(() => client.running + (server?.running ?? 0) + running.handlers === 0, PATIENCE_MS)
  if (client.running !== 0) failures.add(`the client still has ${client.running} streams`)
  if (server?.running !== 0) failures.add(`the server still has ${server?.running} streams`)
  if (running.handlers !== 0) failures.add(`${running.handlers} handlers still run`)
  const memory = watch.stop()
  lifetimes.unsubscribe()
  return { calls: answered, memory, failures: [...failures] }
}
