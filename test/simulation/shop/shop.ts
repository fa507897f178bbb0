import { rsocket, type RSocketOptions } from 'millrace/protocol/rsocket'
import { callsEnd, demandIsRespected, streamsGoOn, type ProcessContext, type World } from 'millrace/testing'
import type { Protocol } from 'millrace/protocol'
import { finalize, merge, type Observable } from 'rxjs'
import { eventsAreHandled } from '../invariants/events-are-handled.js'
import { linesAreNumbered } from '../invariants/lines-are-numbered.js'
import { untouchedCallsSucceed } from '../invariants/untouched-calls-succeed.js'
import { deadLettersArePoison } from '../invariants/dead-letters-are-poison.js'
import { bookingQueues, isPoison, processBookings } from './bookings.js'
import { buyer } from './buyer.js'
import { Orders, Shop, Stock } from './contracts.js'
import { gateway } from './gateway.js'
import { Ledger, type Queue } from './ledger.js'
import { handleOrders } from './order-events.js'
import { orders } from './orders.js'
import { stock } from './stock.js'

/** A window that every stream fills and refills. */
const WINDOW = 8
/** Short, so that peers that have died are noticed within the run. */
const KEEP_ALIVE: RSocketOptions = { keepAliveMs: 1000, maxLifetimeMs: 3000, window: WINDOW }
/** Sessions outlive a loss for a time that ends within the run, too. */
const RESUMABLE: RSocketOptions = { ...KEEP_ALIVE, resume: { sessionMs: 5000, maxWaitMs: 2000 } }

/** Longer than it takes to notice that a peer has died, or that a session cannot be taken up again. */
const PATIENCE_MS = 12_000

const warehouse: Queue = { name: 'warehouse', members: ['stock-1', 'stock-2'] }
const newsletter: Queue = { name: 'newsletter', members: ['shop-1', 'shop-2'] }

/** Two of each: a warehouse, a book of orders, and a gateway before them; two buyers, one of whom resumes its sessions. */
export function shop(world: World): void {
  const ledger = new Ledger(() => world.runtime.scheduler.now())
  for (const number of [1, 2]) {
    world.process(`stock-${number}`, context => {
      const actors = [stock(context, handleOrders(context, warehouse, ledger))]
      const service = context.createService({ protocol: speaking(context, KEEP_ALIVE), actors })
      return merge(service.run(), processBookings(context, 'accounts'))
    })
    world.process(`orders-${number}`, context =>
      context.createService({ protocol: speaking(context, KEEP_ALIVE), actors: [orders(context, ledger)] }).run(),
    )
    world.process(`shop-${number}`, context => runGateway(context, ledger))
  }
  world.process('buyer-1', context => runBuyer(context, KEEP_ALIVE))
  world.process('buyer-2', context => runBuyer(context, RESUMABLE))
  for (const invariant of [
    callsEnd({ patienceMs: PATIENCE_MS }),
    streamsGoOn({ patienceMs: PATIENCE_MS }),
    demandIsRespected({ window: WINDOW }),
    untouchedCallsSucceed,
    linesAreNumbered,
    eventsAreHandled(ledger, [warehouse, newsletter]),
    deadLettersArePoison(bookingQueues, isPoison),
  ]) {
    world.invariant(invariant)
  }
}

/** A buyer calls the gateway as it likes, and everybody else as they offer it. */
function runBuyer(context: ProcessContext, toGateway: RSocketOptions): Observable<unknown> {
  const client = context.createClient({ protocol: speaking(context, toGateway) })
  const direct = context.createClient({ protocol: speaking(context, KEEP_ALIVE) })
  const stubs = { shop: client.of(Shop), stock: direct.of(Stock), orders: direct.of(Orders) }
  return buyer(context, stubs).pipe(
    finalize(() => {
      client.close()
      direct.close()
    }),
  )
}

function runGateway(context: ProcessContext, ledger: Ledger): Observable<unknown> {
  const client = context.createClient({ protocol: speaking(context, KEEP_ALIVE) })
  const actors = [gateway(context, client, handleOrders(context, newsletter, ledger))]
  const service = context.createService({ protocol: speaking(context, RESUMABLE), actors })
  const served$ = service.run().pipe(finalize(() => client.close()))
  return merge(served$, processBookings(context, 'audit'))
}

function speaking({ transport, runtime, log }: ProcessContext, options: RSocketOptions): Protocol {
  return rsocket(transport, { runtime, log, ...options })
}
