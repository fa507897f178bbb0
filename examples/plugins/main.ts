// A service in a worker thread, called over the transport of this folder: prints the primes below 30.
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { actor, contract, createServer, createStub, paced, rsocket, serverStream } from 'millrace'
import { finalize, switchMap, take, toArray } from 'rxjs'
import { portTransport } from './port-transport.js'

const Primes = contract('primes', { below: serverStream<number, number>() }, { version: '1.0.0' })

function* primesBelow(limit: number): Generator<number> {
  const found: number[] = []
  for (let candidate = 2; candidate < limit; candidate++) {
    if (found.some(prime => candidate % prime === 0)) continue
    found.push(candidate)
    yield candidate
  }
}

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url))
  rsocket(portTransport(worker))
    .connect('port:primes')
    .pipe(
      switchMap(connection => createStub(Primes, connection).below(30).pipe(toArray())),
      take(1),
      finalize(() => void worker.terminate()),
    )
    .subscribe(primes => console.log(primes.join(' ')))
} else if (parentPort !== null) {
  const server = createServer({ actors: [actor(Primes, { below: limit => paced(primesBelow(limit)) })] })
  rsocket(portTransport(parentPort))
    .listen('port:primes', () => server)
    .subscribe()
}
