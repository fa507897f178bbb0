import { Observable } from 'rxjs'
import type { Invariant } from '../observed.js'

/** A message is in its log once, however often its publisher had to offer it; so is a dead letter. */
export const messagesAreKeptOnce: Invariant = {
  name: 'a message is kept once',
  violations: world =>
    new Observable(subscriber => {
      const kept = new Set<string>()
      return world.messages$.subscribe(step => {
        if (step.step !== 'kept') return
        const { record, log } = step
        const { header } = record
        const message = header['nats-msg-id'] ?? record.id
        const about =
          log === 'dead' ? `${header['millrace-queue']} ${header['millrace-sequence']}` : header['millrace-replays']
        const name = `${log} ${message} ${about ?? ''}`
        if (kept.has(name)) subscriber.next(`message ${message} is kept twice, as ${record.sequence} in ${log}, too`)
        kept.add(name)
      })
    }),
}
