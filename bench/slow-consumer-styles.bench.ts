import type { Style } from './load-client.js'
import { loadPath } from './load-path.js'
import { mostAhead } from './moments.js'

/**
 * Question: does each way to consume a stream slow its producer in another process as docs/flow-control.md promises?
 *
 * 1 KiB items as fast as they come, a millisecond of work on each. The promises are the same for all four: the producer
 * is never further ahead than the window, the consumer is never left without items, and nothing piles up.
 */
const STYLES: readonly Style[] = ['pacedMap', 'pull', 'subscribe', 'pace reply']
const CONSUME_MS = 3000
const WINDOW = 256
/** Of the 1000 that the work alone would allow. */
const LEAST_PER_SECOND = 900
const MOST_GROWTH_MB = 16

/** Runs the bench; gives false when a promise is broken. */
export async function slowConsumerStyles(asJson: boolean): Promise<boolean> {
  const rows: { [style in Style]?: object } = {}
  let kept = true
  for (const style of STYLES) {
    const path = await loadPath('direct', WINDOW)
    const { server, client } = await path.consume(style, CONSUME_MS)
    path.end()
    const [taken, consumed] = style === 'pace reply' ? [client.taken, server.worked] : [server.taken, client.consumed]
    const ahead = mostAhead(taken, consumed)
    const perSecond = rateOf(consumed)
    const growthMb = Math.round(10 * Math.max(server.growthMb, client.growthMb)) / 10
    const keeps = ahead <= WINDOW && perSecond >= LEAST_PER_SECOND && growthMb < MOST_GROWTH_MB
    kept &&= keeps
    rows[style] = {
      ahead,
      'promised ahead': `at most ${WINDOW}`,
      'items/s': perSecond,
      'promised items/s': `at least ${LEAST_PER_SECOND}`,
      'growth MB': growthMb,
      'promised MB': `under ${MOST_GROWTH_MB}`,
      kept: keeps,
    }
  }
  if (asJson) console.log(JSON.stringify(rows))
  else console.table(rows)
  return kept
}

/** Of what was done, not of the time given: synchronous work delays the timer that ends it. */
function rateOf(moments: readonly number[]): number {
  const [first = 0] = moments
  const last = moments.at(-1) ?? 0
  return Math.round(((moments.length - 1) / (last - first)) * 1000)
}
