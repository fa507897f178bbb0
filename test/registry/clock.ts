import { actor, contract, unary, type Actor } from 'millrace/actors'

const Clock = contract('clock', { now: unary<void, number>() })

/** An actor whose service is registered. */
export const clock: Actor = actor(Clock, { now: () => 0 })
