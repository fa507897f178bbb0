import { on, pacedMap, type Topic, type TopicHandler } from 'millrace'
import { concat, defer, EMPTY, timer } from 'rxjs'
import { type Done, OrderPlaced } from './contracts.js'
import { Ledger } from './ledger.js'

/** What it takes to bill or to ship, ms. */
const WORK_MS = 2

/**
 * Enters every order into the ledger at `path`, then tells `done`. An order whose process dies before both have happened
 * comes again: the ledger knows what is entered, and the broker, by the id of the message, what is told.
 */
export function fulfil(path: string, done: Topic<Done>): TopicHandler {
  const ledger = new Ledger(path)
  return on(
    OrderPlaced,
    (order$, { bus }) =>
      order$.pipe(
        pacedMap(
          ({ id }) =>
            concat(
              timer(WORK_MS),
              defer(() => {
                ledger.enter(id)
                return EMPTY
              }),
              bus.publish(done, { id }, { id: `${done.name}-${id}` }),
            ),
          { concurrency: 4 },
        ),
      ),
    { from: 'all' }, // also what was placed before this service first ran
  )
}
