import { of } from 'rxjs'
import { methodsOfLog, type Mutant } from './mutant.js'

/** A message is taken from its group without its dead letter having been kept. */
export const deadLetterLost: Mutant = {
  name: 'dead letter not kept',
  dead: log => ({ ...methodsOfLog(log), append: () => of({ sequence: 1, duplicate: false }) }),
}
