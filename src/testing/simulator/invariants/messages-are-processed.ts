import { Observable } from 'rxjs'
import type { Invariant, ObservedWorld } from '../observed.js'
import { MessageGroups } from './groups-of.js'

/** Options of {@link messagesAreProcessed}. */
export interface MessagesAreProcessedOptions {
  /**
   * How long a message may take at the end of a run, and how long it must have been quiet before, ms.
   * @default 14_000, more than a durable broker waits for a process that has died
   */
  readonly patienceMs?: number
}

/**
 * What a durable broker has given a receipt for is processed at least once by every queue group that has members, or is a
 * dead letter of it. It is looked at when the run ends, if nothing has gone wrong for a while.
 */
export function messagesAreProcessed({ patienceMs = 14_000 }: MessagesAreProcessedOptions = {}): Invariant {
  return {
    name: 'every accepted message is processed, or a dead letter',
    violations: world =>
      new Observable(subscriber => {
        const groups = new MessageGroups(world)
        subscriber.add(world.messages$.subscribe(step => groups.follow(step)))
        subscriber.add(
          world.end$.subscribe(() => {
            const since = world.now() - patienceMs
            if (!isQuiet(world, since)) return
            for (const { queue, open, members } of groups.groups.values()) {
              if (members === 0) continue
              for (const { id, sequence, at } of open.values()) {
                if (at > since) continue
                subscriber.next(`message ${id}, ${sequence}, kept at ${at} ms, was not processed by queue ${queue}`)
              }
            }
          }),
        )
      }),
  }
}

function isQuiet({ faults }: ObservedWorld, since: number): boolean {
  return faults.every(({ kind, at, ms }) => kind === 'skew' || at + ms <= since)
}
