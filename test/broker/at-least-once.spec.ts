import fc from 'fast-check'
import { type Broker, memoryBroker, type SubscribeOptions } from 'millrace/broker'
import { messageOf, seededRuntime } from 'millrace/core'
import { hold } from 'millrace/streams'
import { type Subscription, VirtualTimeScheduler } from 'rxjs'
import { describe, expect, it } from 'vitest'

/** What a member does with a message: `leaves` unsubscribes inside `next`; the others hold it for `ms`. */
const reaction = fc.record({ does: fc.constantFrom('finishes', 'fails', 'leaves'), ms: fc.nat(50) })

const step = fc.oneof(
  fc.record({ kind: fc.constant('publish' as const), count: fc.integer({ min: 1, max: 5 }) }),
  fc.record({
    kind: fc.constant('join' as const),
    window: fc.integer({ min: 1, max: 3 }),
    reactions: fc.array(reaction, { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ kind: fc.constant('leave' as const), member: fc.nat(9) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(100) }),
)

const steps = fc.array(step, { maxLength: 40 })

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never
type Join = Pick<Extract<Step, { kind: 'join' }>, 'window' | 'reactions'>

/** The members of a queue, and all that they did. */
interface Queue {
  readonly join: (how: Join) => void
  readonly members: readonly Subscription[]
  /** The bodies of the first deliveries, by key. */
  readonly first: ReadonlyMap<string, readonly number[]>
  /** The bodies that were finished. */
  readonly finished: ReadonlySet<number>
  /** Most messages that one member had in hand, above its window. */
  readonly overWindow: () => number
  /** Most messages of one key that were in hand. */
  readonly mostOfKey: () => number
}

function queueOf(broker: Broker, scheduler: VirtualTimeScheduler, options: SubscribeOptions): Queue {
  const members: Subscription[] = []
  const first = new Map<string, number[]>()
  const finished = new Set<number>()
  const ofKey = new Map<string, number>()
  let [overWindow, mostOfKey] = [0, 0]

  const join = ({ window, reactions }: Join): void => {
    let [turn, inHand] = [0, 0]
    const member = broker.subscribe('t', { ...options, queue: 'q', window }).subscribe(event => {
      const { does, ms } = reactions[turn++ % reactions.length] ?? { does: 'finishes', ms: 0 }
      const { key = '', attempt } = event
      const body = Number(event.message.body)
      if (attempt === 1) first.set(key, [...(first.get(key) ?? []), body])
      if (does === 'leaves') {
        member.unsubscribe()
        return
      }
      const release = hold()
      ofKey.set(key, (ofKey.get(key) ?? 0) + 1)
      overWindow = Math.max(overWindow, ++inHand - window)
      mostOfKey = Math.max(mostOfKey, ofKey.get(key) ?? 0)
      scheduler.schedule(() => {
        inHand--
        ofKey.set(key, (ofKey.get(key) ?? 0) - 1)
        if (does === 'finishes') finished.add(body)
        release?.(does === 'fails' ? new Error('not done') : undefined)
      }, ms)
    })
    members.push(member)
  }
  return { join, members, first, finished, overWindow: () => overWindow, mostOfKey: () => mostOfKey }
}

/** Takes the steps, with one member that stays, and gives how many messages were published. */
function run(taken: readonly Step[], options: SubscribeOptions) {
  const scheduler = new VirtualTimeScheduler()
  const broker = memoryBroker({
    runtime: seededRuntime({ scheduler, seed: 1 }),
    log: () => {},
    maxPending: Infinity,
    maxDeadLetters: Infinity,
    backoffMs: [5],
    maxDeliver: 3,
  })
  const queue = queueOf(broker, scheduler, options)
  const dead = new Set<number>()
  broker.deadLetters.added$.subscribe(({ message }) => dead.add(Number(message.body)))
  let [published, at] = [0, 0]
  const perform = (action: Step): void => {
    if (action.kind === 'join') queue.join(action)
    else if (action.kind === 'leave') queue.members[1 + action.member]?.unsubscribe()
    else if (action.kind === 'publish') {
      for (let count = 0; count < action.count; count++) {
        broker.publish('t', messageOf(published), { key: `k${published++ % 3}` }).subscribe()
      }
    }
  }

  queue.join({ window: 2, reactions: [{ does: 'finishes', ms: 10 }] }) // stays, so that the group does
  for (const action of taken) {
    if (action.kind === 'wait') at += action.ms
    else scheduler.schedule(() => perform(action), at)
  }
  scheduler.flush()
  const lost = Array.from({ length: published }, (_, body) => body).filter(
    body => !queue.finished.has(body) && !dead.has(body),
  )
  return { queue, lost }
}

describe('memoryBroker', () => {
  it('finishes or reports every message of a queue', () => {
    fc.assert(
      fc.property(steps, taken => {
        const { queue, lost } = run(taken, {})

        expect(lost).toEqual([])
        expect(queue.overWindow()).toBeLessThanOrEqual(0)
      }),
      { seed: 2024, numRuns: 200 },
    )
  })

  it('keeps every key of an ordered queue in order', () => {
    fc.assert(
      fc.property(steps, taken => {
        const { queue, lost } = run(taken, { ordered: true })

        expect(lost).toEqual([])
        expect(queue.mostOfKey()).toBeLessThanOrEqual(1)
        for (const bodies of queue.first.values()) expect(bodies).toEqual(bodies.toSorted((a, b) => a - b))
      }),
      { seed: 2024, numRuns: 200 },
    )
  })
})
