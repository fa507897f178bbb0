import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createClient, eventBus, paced, pacedMap, systemRuntime, type Topic } from 'millrace'
import { rsocket } from 'millrace/protocol/rsocket'
import { mdns } from 'millrace/registry/mdns'
import { tcp } from 'millrace/transport/tcp'
import {
  combineLatest,
  concat,
  distinct,
  filter,
  finalize,
  first,
  firstValueFrom,
  ignoreElements,
  map,
  merge,
  mergeMap,
  type Observable,
  scan,
} from 'rxjs'
import { orderBroker } from './broker.js'
import { Children } from './children.js'
import { type Done, type Order, OrderBilled, Orders, OrderShipped } from './contracts.js'
import { entriesOf } from './ledger.js'

const usage = `usage: npm run orders -- [SERVER --orders N --json]

Places N orders (default 1000), which a billing and a shipping service hear of through JetStream at SERVER (default
127.0.0.1:4222, a nats-server -js). Billing is killed when it has billed a quarter of them, and started again.`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    orders: { type: 'string', default: '1000' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) console.log(usage)
else process.exitCode = await run(positionals[0] ?? '127.0.0.1:4222', Number(values.orders))

async function run(server: string, count: number): Promise<number> {
  const id = systemRuntime().id().slice(0, 12)
  const folder = mkdtempSync(join(tmpdir(), 'millrace-orders-'))
  const children = new Children([server, folder, id])
  const killBilling = async (): Promise<void> => {
    await children.kill('billing')
    billedWhenKilled = entriesOf(join(folder, 'billing')).length
    children.start('billing')
  }
  let billedWhenKilled = 0
  try {
    for (const role of ['orders', 'billing', 'shipping'] as const) children.start(role)
    await firstValueFrom(merge(children.failures$, fulfilled({ server, run: id, count, killBilling })))
    await children.stop()
    return report({ run: id, folder, orders: count, billedWhenKilled })
  } catch (error) {
    process.stderr.write(`the example has failed: ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  } finally {
    await children.stop()
    rmSync(folder, { recursive: true })
  }
}

interface Run {
  readonly server: string
  readonly run: string
  readonly count: number
  readonly killBilling: () => Promise<void>
}

/** Places the orders, kills billing on the way, and emits when every order is billed and shipped. */
function fulfilled({ server, run, count, killBilling }: Run): Observable<unknown> {
  const bus = eventBus(orderBroker(server))
  const numberOf = (topic: Topic<Done>): Observable<number> =>
    bus.subscribe(topic, { from: 'all' }).pipe(
      map(({ id }) => id),
      filter(id => id.startsWith(run)), // the stream has the orders of other runs too
      distinct(),
      scan(number => number + 1, 0),
    )
  const killed$ = numberOf(OrderBilled).pipe(
    first(billed => billed >= count / 4),
    mergeMap(killBilling),
  )
  const done$ = combineLatest([numberOf(OrderBilled), numberOf(OrderShipped)]).pipe(
    first(([billed, shipped]) => billed === count && shipped === count),
  )
  const registry = mdns({ loopbackOnly: true })
  const service = `orders-${run}`
  const clients = createClient({ protocol: rsocket(tcp()), registry })
  const orders = clients.of(Orders, { service })
  const placed$ = registry.watch(service).pipe(
    first(({ services }) => services.length > 0),
    mergeMap(() => paced(ordersOf(run, count), { window: 16 })),
    pacedMap(order => orders.place(order)),
  )
  return concat(merge(killed$, placed$).pipe(ignoreElements()), done$).pipe(finalize(() => clients.close()))
}

function* ordersOf(run: string, count: number): Generator<Order> {
  for (let n = 1; n <= count; n++) yield { id: `${run}-${n}`, customer: `customer-${n % 17}`, cents: 100 * n }
}

interface Report {
  readonly run: string
  readonly folder: string
  readonly orders: number
  readonly billedWhenKilled: number
}

/** Prints what the ledgers say; gives the exit code. */
function report({ run, folder, orders, billedWhenKilled }: Report): number {
  const ledgers = (['billing', 'shipping'] as const).map(role => {
    const entries = entriesOf(join(folder, role)).filter(id => id.startsWith(run))
    return { role, entries: entries.length, orders: new Set(entries).size }
  })
  if (values.json) {
    console.log(JSON.stringify({ orders, killed: { role: 'billing', entries: billedWhenKilled }, ledgers }))
  } else {
    console.log(`${orders} orders placed; billing was killed after ${billedWhenKilled} and started again`)
    for (const ledger of ledgers) console.log(`${ledger.role}: ${ledger.entries} entries for ${ledger.orders} orders`)
  }
  return ledgers.every(ledger => ledger.entries === orders && ledger.orders === orders) ? 0 : 1
}
