import { Observable } from 'rxjs'
import type { Invariant } from '../observed.js'
import { MessageGroups } from './groups-of.js'

/**
 * Where messages of one key come one after the other, nobody begins with one before all earlier ones of its key have been
 * processed, or are dead letters.
 */
export const keysAreOrdered: Invariant = {
  name: 'messages of one key are processed one after the other',
  violations: world =>
    new Observable(subscriber => {
      const groups = new MessageGroups(world)
      return world.messages$.subscribe(step => {
        if (step.step === 'begun' && step.ordered && step.message.key !== undefined) {
          const { key, sequence, id } = step.message
          for (const open of groups.group(step)?.open.values() ?? []) {
            if (open.sequence >= sequence) break
            if (open.key !== key) continue
            subscriber.next(
              `${step.process} begins with message ${id}, ${sequence}, before ${open.id}, ${open.sequence}, of key ${key} is done`,
            )
            break
          }
        }
        groups.follow(step)
      })
    }),
}
