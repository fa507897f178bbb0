import { defer } from 'rxjs'
import { methodsOfLog, type Mutant } from './mutant.js'

/** Who has no answer offers a message again under another id. */
export const anotherIdOnRetry: Mutant = {
  name: 'message offered again under another id',
  messages: log => ({
    ...methodsOfLog(log),
    append: record => {
      let attempts = 0
      return defer(() => log.append({ ...record, id: `${record.id}${'+'.repeat(attempts++)}` }))
    },
  }),
}
