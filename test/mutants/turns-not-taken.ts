import { methodsOfLog, type Mutant } from './mutant.js'

/** All members of a group that keeps keys in order are given messages. */
export const turnsNotTaken: Mutant = {
  name: 'ordered messages shared among members',
  messages: log => ({ ...methodsOfLog(log), consume: options => log.consume({ ...options, mode: 'shared' }) }),
}
