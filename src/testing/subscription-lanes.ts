import { laneDifference, laneOf, type Lane } from './lane.js'
import { parseSubscription, type SubscriptionLog } from './virtual-time.js'

/** How subscription windows will differ from what is drawn, one diagram a subscription; `undefined` when they do not. */
export function subscriptionDifference(
  diagrams: readonly string[],
  subscriptions: readonly SubscriptionLog[],
): () => string | undefined {
  // Read now: a diagram means milliseconds only while the spec runs.
  const expected = diagrams.map(diagram => subscriptionLane(parseSubscription(diagram)))
  return () => firstDifference(expected, subscriptions.map(subscriptionLane))
}

function firstDifference(expected: readonly Lane[], actual: readonly Lane[]): string | undefined {
  const count = Math.max(expected.length, actual.length)
  for (let index = 0; index < count; index++) {
    const difference = laneDifference(expected[index] ?? new Map(), actual[index] ?? new Map())
    if (difference !== undefined) return `subscription ${index + 1} of ${count}\n${difference}`
  }
  return undefined
}

function subscriptionLane({ subscribedFrame, unsubscribedFrame }: SubscriptionLog): Lane {
  const ends: (readonly [number, string])[] = [
    [subscribedFrame, '^'],
    [unsubscribedFrame, '!'],
  ]
  return laneOf(ends.filter(([frame]) => frame < Infinity))
}
