import type { Fault, Invariant } from 'millrace/testing'
import { Observable } from 'rxjs'
import type { Ledger, Queue } from '../shop/ledger.js'
import { faultTouches } from './fault-touches.js'

/** How long an event may wait for a member of a queue group that has one, ms. */
const PATIENCE_MS = 5000

/** What is published is handled at least once by each queue group, as long as some of its members can be reached. */
export function eventsAreHandled(ledger: Ledger, queues: readonly Queue[]): Invariant {
  return {
    name: 'events are handled at least once by each queue group',
    violations: world =>
      new Observable(subscriber => {
        let checked = 0
        return world.events$.subscribe(() => {
          for (; checked < ledger.published.length; checked++) {
            const event = ledger.published[checked]
            if (event === undefined || event.at + PATIENCE_MS > world.now()) return
            for (const queue of queues) {
              if (ledger.isHandled(event.order, queue) || isUnreachable(queue, world.faults, event.at)) continue
              subscriber.next(`${event.order}, published at ${event.at} ms, is not handled by ${queue.name}`)
            }
          }
        })
      }),
  }
}

/** Whether faults may have kept all members from an event. */
function isUnreachable({ members }: Queue, faults: readonly Fault[], at: number): boolean {
  const touching = faults.filter(fault => faultTouches([fault], at, at + PATIENCE_MS))
  const kept = touching.filter(({ kind }) => kind === 'crash' || kind === 'vanish' || kind === 'restart')
  return (
    touching.some(({ kind }) => kind === 'brokerOutage' || kind === 'partition') ||
    members.every(member => kept.some(({ targets }) => targets.includes(member)))
  )
}
