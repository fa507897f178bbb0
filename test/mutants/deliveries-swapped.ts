import { bufferCount, mergeMap } from 'rxjs'
import { redelivering, type Mutant } from './mutant.js'

/** Of each two messages the later one comes first. */
export const deliveriesSwapped: Mutant = {
  name: 'deliveries change places',
  messages: log =>
    redelivering(log, deliveries$ =>
      deliveries$.pipe(
        bufferCount(2),
        mergeMap(pair => pair.toReversed()),
      ),
    ),
}
