import type { Invariant } from 'millrace/testing'
import { Observable } from 'rxjs'
import { faultTouches } from './fault-touches.js'

/** How long poison may take to become a dead letter, ms. */
const PATIENCE_MS = 14_000

/** Dead letters are what nobody can process, all of it and nothing else. */
export function deadLettersArePoison(queues: readonly string[], isPoison: (id: string) => boolean): Invariant {
  return {
    name: 'dead letters are exactly the poison',
    violations: world =>
      new Observable(subscriber => {
        const poison = new Map<string, number>()
        const dead = new Set<string>()
        subscriber.add(
          world.messages$.subscribe(step => {
            if (step.step !== 'kept') return
            const { id, header } = step.record
            if (step.log === 'messages') {
              if (isPoison(id)) poison.set(id, world.now())
              return
            }
            const message = header['millrace-id'] ?? ''
            dead.add(`${header['millrace-queue']} ${message}`)
            if (!isPoison(message)) subscriber.next(`${message} is a dead letter: ${header['millrace-error']}`)
          }),
        )
        subscriber.add(
          world.end$.subscribe(() => {
            const since = world.now() - PATIENCE_MS
            if (faultTouches(world.faults, since, world.now())) return
            for (const [id, at] of poison) {
              const missing = queues.filter(queue => !dead.has(`${queue} ${id}`))
              if (at <= since && missing.length > 0) subscriber.next(`${id} is no dead letter of ${missing.join(', ')}`)
            }
          }),
        )
      }),
  }
}
