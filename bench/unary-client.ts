import { figuresOf, type Figures } from './figures.js'
import { callerOf, type Caller } from './caller.js'
import { itemOf } from './payload.js'

/** The client process of one candidate: for each `ms` that its parent sends, a round of calls and its figures. */
const IN_FLIGHT = 64

const [, , candidate = '', address = ''] = process.argv
const call = await callerOf(candidate, address)
process.on('message', ms => void round(call, Number(ms)).then(measured => process.send?.(measured)))
process.on('disconnect', () => process.exit(0))
process.send?.('ready')

/** Keeps `IN_FLIGHT` calls running for `ms`. */
function round(caller: Caller, ms: number): Promise<Figures> {
  return new Promise(resolve => {
    const latencies: number[] = []
    const startedAt = performance.now()
    const endsAt = startedAt + ms
    let running = 0
    const next = (): void => {
      const sentAt = performance.now()
      if (sentAt >= endsAt) {
        if (running === 0) resolve(figuresOf(latencies, sentAt - startedAt))
        return
      }
      running++
      caller(itemOf(latencies.length), () => {
        running--
        latencies.push(performance.now() - sentAt)
        next()
      })
    }
    for (let caller = 0; caller < IN_FLIGHT; caller++) next()
  })
}
