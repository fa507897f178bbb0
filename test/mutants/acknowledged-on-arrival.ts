import { map } from 'rxjs'
import { redelivering, type Mutant } from './mutant.js'

/** A message is done as soon as it has come, whatever becomes of whoever has it. */
export const acknowledgedOnArrival: Mutant = {
  name: 'message acknowledged on arrival',
  messages: log =>
    redelivering(
      log,
      map(delivery => {
        delivery.ack()
        return { ...delivery, ack: () => {}, nak: () => {}, working: () => {} }
      }),
    ),
}
