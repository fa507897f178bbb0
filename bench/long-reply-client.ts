import { createStub, rsocket, type Connection, type Stub } from 'millrace'
import { tcp } from 'millrace/transport/tcp'
import { repeat, tap } from 'rxjs'
import { LONG_BYTES, options, Replies } from './long-reply.js'
import { itemOf } from './payload.js'

/** The client process: measures short calls alone and beside long replies, on one connection. */
export interface LatencyFigures {
  readonly calls: number
  readonly p50Us: number
  readonly p99Us: number
  readonly maxUs: number
}

const ROUND_MS = 4000

const [, , address = ''] = process.argv
const connection = await new Promise<Connection>(resolve => {
  rsocket(tcp(), options)
    .connect(address)
    .subscribe({ next: resolve, error: () => process.exit() }) // the server ends first
})
const stub = createStub(Replies, connection)
await calls(stub, ROUND_MS / 2) // warm-up
const alone = await calls(stub, ROUND_MS)
let longReplies = 0
const startedAt = performance.now()
const long = stub
  .long(LONG_BYTES)
  .pipe(
    tap(() => longReplies++),
    repeat(),
  )
  .subscribe()
const beside = await calls(stub, ROUND_MS)
long.unsubscribe()
const megabytesPerSecond = Math.round((longReplies * LONG_BYTES) / 1000 / (performance.now() - startedAt))
process.send?.({ alone, beside, longReplies, megabytesPerSecond })

/** Makes calls for `ms`, one after another. */
function calls(replies: Stub<typeof Replies.endpoints>, ms: number): Promise<LatencyFigures> {
  return new Promise((resolve, reject) => {
    const latencies: number[] = []
    const endsAt = performance.now() + ms
    const next = (): void => {
      const sentAt = performance.now()
      if (sentAt >= endsAt) return resolve(figures(latencies))
      replies.short(itemOf(latencies.length)).subscribe({
        error: reject,
        complete: () => {
          latencies.push(performance.now() - sentAt)
          next()
        },
      })
    }
    next()
  })
}

function figures(latencies: number[]): LatencyFigures {
  const sorted = Float64Array.from(latencies).toSorted()
  const us = (quantile: number): number => Math.round((sorted[Math.floor((sorted.length - 1) * quantile)] ?? 0) * 1000)
  return { calls: sorted.length, p50Us: us(0.5), p99Us: us(0.99), maxUs: us(1) }
}
