import { filter } from 'rxjs'
import { redelivering, type Mutant } from './mutant.js'

/** What comes again is taken for done. */
export const redeliveryIgnored: Mutant = {
  name: 'redelivery taken for a duplicate',
  messages: log =>
    redelivering(
      log,
      filter(delivery => {
        if (delivery.attempt === 1) return true
        delivery.ack()
        return false
      }),
    ),
}
