import { silentLog } from 'millrace/core'
import { lastValueFrom, toArray } from 'rxjs'
import { startNats } from '../support/nats-server.js'
import { BACKOFF_MS, brokerOf, MAX_DELIVER } from './broker-of.js'
import type { Outcome } from './outcome.js'
import { Stage } from './stage.js'

/** Name of the scenario. */
export const POISON_NAME = 'JetStream: a poison message among 1000'
const COUNT = 1000
const PER_SECOND = 500
const POISON = 300

/**
 * One message among 1000 fails whenever it comes. The others come once, in order, while it waits to come again; it comes
 * as often as it may, and is a dead letter then.
 *
 * @param maxDelayMs most time that another message may take, by default the longest pause before the poison comes again
 */
export async function runPoison(maxDelayMs: number = Math.max(...BACKOFF_MS)): Promise<Outcome> {
  const stage = new Stage([await startNats()])
  try {
    const party = { engine: 'jetstream', servers: stage.addresses } as const
    await stage.subscribe({ ...party, queue: 'q', window: 16, workMs: 0, poison: POISON, ackWaitMs: 30_000 })
    stage.publish({ ...party, count: COUNT, inFlight: 64, perSecond: PER_SECOND })
    const attempts = (): readonly (number | undefined)[] =>
      stage.ledger.deliveries.filter(({ failed }) => failed === POISON).map(({ attempt }) => attempt)
    await stage.until('all others', ({ processed }) => processed.size === COUNT - 1)
    await stage.until('the last attempt', () => attempts().length >= MAX_DELIVER)
    await stage.leave()

    const { broker } = brokerOf(party, silentLog)
    const letters = await lastValueFrom(broker.deadLetters.list().pipe(toArray()))
    const said = letters.map(({ message, attempts: tries }) => `${JSON.stringify(message.body)} after ${tries}`)
    check(stage, attempts(), maxDelayMs)
    const expected = `${JSON.stringify({ number: POISON, fill: '' })} after ${MAX_DELIVER}`
    stage.check(said.join() === expected, `the dead letters are ${said.join()}, not ${expected}`)
    return stage.outcome(POISON_NAME, COUNT, 0)
  } finally {
    await stage.close()
  }
}

function check(stage: Stage, attempts: readonly (number | undefined)[], maxDelayMs: number): void {
  const { duplicates, deliveries, confirmed } = stage.ledger
  stage.check(confirmed.size === COUNT, `${confirmed.size} of ${COUNT} messages were confirmed`)
  stage.check(duplicates === 0, `${duplicates} messages came again`)
  stage.check(attempts.join() === '1,2,3,4,5', `the poison came in attempts ${attempts.join()}`)
  const overtaken = stage.ledger.overtaken(1)
  stage.check(overtaken.length === 0, `${overtaken.length} messages came behind later ones: ${overtaken[0]}…`)
  const slowestMs = Math.max(...deliveries.flatMap(({ done, ageMs = 0 }) => (done === undefined ? [] : ageMs)))
  stage.notes.push(`every other message was processed within ${slowestMs} ms`)
  stage.check(
    slowestMs <= maxDelayMs,
    `a message took ${slowestMs} ms, longer than the longest backoff, ${maxDelayMs} ms`,
  )
}
