import type { LatencyFigures } from './long-reply-client.js'
import { forkPinned } from './pinned.js'

/**
 * Question: how much longer does a short call take beside replies of 100 MB on the same connection?
 *
 * One client process, one server process; calls one after another, first alone, then while long replies come one after
 * another. It has no bar: the figures are stated in docs/flow-control.md.
 */
export async function longReply(asJson: boolean): Promise<boolean> {
  const server = forkPinned('./long-reply-server.js', [], { core: 1 })
  const client = forkPinned('./long-reply-client.js', [String(await server.message())], { core: 0 })
  const result = (await client.message()) as Result
  server.end()
  client.end()
  if (asJson) console.log(JSON.stringify(result))
  else {
    console.table({ alone: result.alone, beside: result.beside })
    console.log(`${result.longReplies} long replies, ${result.megabytesPerSecond} MB/s`)
  }
  return true
}

interface Result {
  readonly alone: LatencyFigures
  readonly beside: LatencyFigures
  readonly longReplies: number
  readonly megabytesPerSecond: number
}
