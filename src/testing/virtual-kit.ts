import type { Subscription } from 'rxjs'
import { seededRuntime } from '../core/index.js'
import { checkedDiagram } from './checked-diagram.js'
import { deliveriesOf } from './deliveries-of.js'
import type { Expectations } from './expectations.js'
import { laneDifference, laneOf } from './lane.js'
import type { ObservableKit } from './observable-kit.js'
import { seenDifference, type Seen } from './seen-values.js'
import { subscriptionDifference } from './subscription-lanes.js'
import { parseMarbles, parseSubscription, type VirtualTime } from './virtual-time.js'

/** The kit in `time`; what is expected goes to `expectations`. */
export function virtualKit(time: VirtualTime, seed: number, expectations: Expectations): ObservableKit {
  let observed = 0
  return {
    cold: (diagram, values, error) => time.createColdObservable(checkedDiagram(diagram, values), values, error),
    hot: (diagram, values, error) => time.createHotObservable(checkedDiagram(diagram, values), values, error),
    deliveries: (diagram, values, error) => deliveriesOf(time, checkedDiagram(diagram, values), values, error),
    time: diagram => time.createTime(diagram),
    runtime: seededRuntime({ scheduler: time.owned, seed }),
    expectObservable(observable, subscription = '^') {
      const { subscribedFrame, unsubscribedFrame } = parseSubscription(subscription)
      const seen: Seen[] = []
      const see = (kind: Seen['kind'], value?: unknown): void => void seen.push({ frame: time.frame, kind, value })
      let subscribed: Subscription | undefined
      observed++
      time.schedule(() => {
        subscribed = observable.pipe(time.bounded()).subscribe({
          next: value => see('next', value),
          error: error => see('error', error),
          complete: () => see('complete'),
        })
        subscribed.add(() => {
          if (--observed === 0) time.quietSince = time.frame
        })
      }, subscribedFrame)
      if (unsubscribedFrame < Infinity) time.schedule(() => subscribed?.unsubscribe(), unsubscribedFrame)
      return {
        toBe: (diagram, values, error = 'error') =>
          expectations.expect('notifications', seenDifference(diagram, values, error, seen)),
      }
    },
    expectSubscriptions: ({ subscriptions }) => ({
      toBe: diagrams => expectations.expect('subscriptions', subscriptionDifference([diagrams].flat(), subscriptions)),
    }),
    expectCredits: ({ credits }) => ({
      toBe(diagram) {
        const expected = laneOf(parseMarbles(diagram).map(({ frame, letter }) => [frame, letter]))
        expectations.expect('credits', () => laneDifference(expected, laneOf(credits)))
      },
    }),
  }
}
