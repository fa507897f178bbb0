import { actor, createService, memoryRegistry, paced, rsocket } from 'millrace'
import { concatMap, Observable } from 'rxjs'
import { ITEM_BYTES, Load } from './load.js'
import { MemoryWatch } from './memory-watch.js'
import { Moments } from './moments.js'
import { anyAddress, benchTransport } from './network.js'
import { Pace } from './pace.js'

/** What the server tells of the time since the last `watch`. */
export interface ServerReport {
  /** When each item was taken from the source. */
  readonly taken: readonly number[]
  /** When each item of `work` was done. */
  readonly worked: readonly number[]
  /** When the source was torn down, each time. */
  readonly tornDown: readonly number[]
  readonly growthMb: number
}

const taken = new Moments()
const worked = new Moments()
const tornDown = new Moments()
let memory = new MemoryWatch()

function* items(): Generator<Uint8Array> {
  try {
    for (;;) {
      taken.mark()
      yield new Uint8Array(ITEM_BYTES)
    }
  } finally {
    tornDown.mark()
  }
}

const pace = new Pace()
let count = 0
const oneByOne = (): Observable<number> =>
  new Observable(subscriber =>
    pace.work(() => {
      worked.mark()
      subscriber.next(count++)
      subscriber.complete()
    }),
  )

const load = actor(Load, {
  items: () => paced(items()),
  work: item$ => item$.pipe(concatMap(oneByOne)),
  ping: number => number,
})
const window = Number(process.argv[2])
createService({
  actors: [load],
  protocol: rsocket(benchTransport(), { window }),
  registry: memoryRegistry(),
  address: anyAddress,
})
  .run()
  .subscribe(status => {
    if (status.state === 'listening') process.send?.(status.address)
  })

const report = (): ServerReport => ({
  taken: taken.take(),
  worked: worked.take(),
  tornDown: tornDown.take(),
  growthMb: memory.growthMb(),
})
process.on('message', message => {
  const reported = report()
  if (message === 'watch') memory = new MemoryWatch()
  process.send?.(reported)
})
process.on('disconnect', () => process.exit(0))
