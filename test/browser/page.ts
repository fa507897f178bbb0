import { createClient, memoryRegistry, paced, pacedMap, rsocket, RpcError } from 'millrace'
import { websocket } from 'millrace/transport/websocket'
import { BehaviorSubject, catchError, lastValueFrom, map, type Observable, of, take, timer, toArray } from 'rxjs'
import { Abacus, TAKEN, WINDOW } from './contract.js'

// Runs in a browser: calls the service that serves the page, and tells the server what came of each call.

const { host } = (globalThis as unknown as { location: { host: string } }).location
const node = {
  id: 'abacus-1',
  address: `ws://${host}/calls`,
  metadata: { protocol: 'rsocket', transport: 'websocket' },
}
const registry = memoryRegistry()
registry
  .register(new BehaviorSubject({ name: 'abacus', version: '0.0.0', metadata: {}, endpoints: [], node }))
  .subscribe()
const client = createClient({ protocol: rsocket(websocket(), { window: WINDOW }), registry })
const abacus = client.of(Abacus)

const numbers = [1, 2, 3, 4, 5]
const megabyte = Uint8Array.from({ length: 1024 * 1024 }, (_, index) => index % 251)

const calls: Record<string, Observable<unknown>> = {
  platform: of(['Buffer', 'process', 'require'].filter(name => name in globalThis)),
  unary: abacus.double(21),
  tell: abacus.note('from a page').pipe(toArray()),
  serverStream: abacus.countTo(100).pipe(toArray()),
  clientStream: abacus.total(paced(numbers)),
  duplex: abacus.squares(paced(numbers)).pipe(toArray()),
  bytes: abacus.echo(megabyte).pipe(map(bytes => bytes.length === megabyte.length && bytes.every(isAsSent))),
  error: abacus
    .fail('a page')
    .pipe(
      catchError((error: unknown) => of(error instanceof RpcError && [error.code, error.reason, error.rawMessage])),
    ),
  backpressure: abacus.forever(undefined).pipe(
    pacedMap(item => timer(5).pipe(map(() => item)), { concurrency: 1 }),
    take(TAKEN),
    toArray(),
  ),
}

for (const [name, call] of Object.entries(calls)) tellServer(name, await outcomeOf(call))
client.close()

function isAsSent(byte: number, index: number): boolean {
  return byte === index % 251
}

async function outcomeOf(call: Observable<unknown>): Promise<unknown> {
  try {
    return await lastValueFrom(call)
  } catch (error) {
    return `failed: ${String(error)}`
  }
}

function tellServer(name: string, value: unknown): void {
  void fetch('/outcomes', { method: 'POST', body: JSON.stringify({ name, value }) })
}
