import type { ExecutedLane } from './executed-spec.js'
import type { Marble, Played, SubscriptionLog } from './virtual-time.js'

/** A cold source at the end of a spec. */
export interface ColdSource {
  /** The marbles of its diagram. */
  readonly marbles: readonly Marble[]
  /** The same as RxJS has them, in the same order. */
  readonly messages: readonly unknown[]
  /** When it was subscribed. */
  readonly subscriptions: readonly SubscriptionLog[]
}

/**
 * What a cold source has played, one lane a subscription: neither more nor less than what reached the subscriber.
 * `played` are the marbles of all cold sources.
 */
export function coldLanes(
  { marbles, messages, subscriptions }: ColdSource,
  played: readonly Played[],
): readonly ExecutedLane[] {
  if (subscriptions.length === 0) return [{ marbles, windows: [] }]
  const reached = new Map<unknown, { readonly from: number; readonly marbles: Marble[] }>()
  for (const { frame, message, subscriber } of played) {
    const marble = marbles[messages.indexOf(message)]
    if (marble === undefined) continue // of another source
    const lane = reached.get(subscriber) ?? { from: frame - message.frame, marbles: [] }
    lane.marbles.push({ ...marble, frame })
    reached.set(subscriber, lane)
  }
  const lanes = [...reached.values()]
  return subscriptions.map(window => {
    const index = lanes.findIndex(({ from }) => from === window.subscribedFrame)
    const [lane] = index < 0 ? [] : lanes.splice(index, 1)
    return { marbles: lane?.marbles ?? [], windows: [window] }
  })
}
