import { Observable } from 'rxjs'
import type { Invariant } from '../observed.js'

/** First deliveries come to each member of a queue group in the order of publication, unless keys are kept in order. */
export const messagesBeginInOrder: Invariant = {
  name: 'first deliveries come in the order of publication',
  violations: world =>
    new Observable(subscriber => {
      const last = new Map<string, number>()
      return world.messages$.subscribe(step => {
        if (step.step !== 'begun' || step.ordered || step.message.attempt > 1) return
        const { process, life, subscription, message } = step
        const consumer = `${process} ${life} ${subscription}`
        const before = last.get(consumer) ?? 0
        last.set(consumer, Math.max(before, message.sequence))
        if (message.sequence > before) return
        subscriber.next(`${process} begins with message ${message.id}, ${message.sequence}, after ${before}`)
      })
    }),
}
