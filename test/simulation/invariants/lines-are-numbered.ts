import type { Invariant } from 'millrace/testing'
import { Observable } from 'rxjs'

/** The endpoints whose requests, and whose replies, are streams of lines. */
const lines = {
  request: new Set(['stock.delivered', 'orders.label', 'shop.basket']),
  reply: new Set(['stock.listing', 'orders.label', 'orders.history', 'shop.catalogue', 'shop.basket']),
}

/** Lines are counted from 1 wherever a stream of them passes, however many services it has come through. */
export const linesAreNumbered: Invariant = {
  name: 'lines arrive in sequence through all services',
  violations: ({ calls$ }) =>
    new Observable(subscriber =>
      calls$.subscribe(({ call, run, step }) => {
        if (step !== 'request' && step !== 'reply') return
        const endpoint = `${call.route.contract}.${call.route.endpoint}`
        if (!lines[step].has(endpoint)) return
        const side = run ?? call
        const items = step === 'request' ? side.requests : side.replies
        const last = items.at(-1)
        if (last?.startsWith(`{"n":${items.length},`) === true) return
        subscriber.next(`call ${call.id}, ${endpoint}: ${step} ${items.length} at ${side.process} is ${last}`)
      }),
    ),
}
