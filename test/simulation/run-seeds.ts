import { availableParallelism } from 'node:os'
import { Worker, type ResourceLimits } from 'node:worker_threads'
import { defer, merge, Observable } from 'rxjs'
import type { ShopRun } from './run-shop.js'

/** A run leaves little behind: with room for it, a third of the time of garbage collection is saved. */
const YOUNG: ResourceLimits = { maxYoungGenerationSizeMb: 64 }

/** Runs the shop with seeds 1 to `count`, in as many threads as there are cores, and emits each run when it is over. */
export function runSeeds(count: number): Observable<ShopRun> {
  return defer(() => {
    let next = 1
    const take = (): number | undefined => (next > count ? undefined : next++)
    return merge(...Array.from({ length: Math.min(availableParallelism(), count) }, () => thread(take)))
  })
}

/** Runs one seed after the other until there is none. */
function thread(take: () => number | undefined): Observable<ShopRun> {
  return new Observable(subscriber => {
    const worker = new Worker(new URL('./seed-worker.js', import.meta.url), { resourceLimits: YOUNG })
    const goOn = (): void => {
      const seed = take()
      if (seed === undefined) subscriber.complete()
      else worker.postMessage(seed)
    }
    worker.on('message', (run: ShopRun) => {
      subscriber.next(run)
      goOn()
    })
    worker.on('error', error => subscriber.error(error))
    goOn()
    return () => void worker.terminate()
  })
}
