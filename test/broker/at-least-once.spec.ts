import fc from 'fast-check'
import { memoryBroker } from 'millrace/broker'
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

describe('memoryBroker', () => {
  it('finishes or reports every message of a queue', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), steps => {
        const scheduler = new VirtualTimeScheduler()
        const settled = new Set<string>()
        const published: string[] = []
        const broker = memoryBroker({
          runtime: seededRuntime({ scheduler, seed: 1 }),
          log: ({ fields }) => void settled.add(String(fields?.['id'])),
          maxPending: Infinity,
        })
        const members: Subscription[] = []
        let most = 0

        const join = (window: number, reactions: readonly { does: string; ms: number }[]) => {
          let [turn, inHand] = [0, 0]
          const member = broker.subscribe('t', { queue: 'q', window }).subscribe(({ id }) => {
            const { does, ms } = reactions[turn++ % reactions.length] ?? { does: 'finishes', ms: 0 }
            if (does === 'leaves') {
              member.unsubscribe()
              return
            }
            const release = hold()
            most = Math.max(most, ++inHand - window)
            scheduler.schedule(() => {
              inHand--
              if (does === 'finishes') settled.add(id)
              release?.(does === 'fails' ? new Error('not done') : undefined)
            }, ms)
          })
          members.push(member)
        }

        join(2, [{ does: 'finishes', ms: 10 }]) // stays, so that the group does
        let at = 0
        for (const action of steps) {
          if (action.kind === 'wait') at += action.ms
          else scheduler.schedule(() => perform(action), at)
        }
        const perform = (action: Exclude<(typeof steps)[number], { kind: 'wait' }>) => {
          if (action.kind === 'join') join(action.window, action.reactions)
          else if (action.kind === 'leave') members[1 + action.member]?.unsubscribe()
          else {
            for (let count = 0; count < action.count; count++) {
              broker.publish('t', messageOf(count)).subscribe(({ id }) => published.push(id))
            }
          }
        }
        scheduler.flush()

        expect(published.filter(id => !settled.has(id))).toEqual([])
        expect(most).toBeLessThanOrEqual(0)
      }),
      { seed: 2024, numRuns: 200 },
    )
  })
})
