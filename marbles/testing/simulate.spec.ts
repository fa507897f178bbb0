import { actor, contract, unary } from 'millrace/actors'
import { RpcError } from 'millrace/core'
import { simulate, type SimulationResult, type World } from 'millrace/testing'
import { catchError, concatMap, delay, interval, of, type Observable, retry, takeUntil, throwError } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { drawnRun } from '../../test/support/drawn-run.js'

const Words = contract('words', { count: unary<string, number>({ idempotent: true }) })

interface Counts {
  readonly run: SimulationResult
  /** Times of calls that failed, ms. */
  readonly failedAt: readonly number[]
}

/** Tries again what has not reached a handler. */
const retryIfSafe = (error: unknown): Observable<unknown> =>
  RpcError.from(error).retry.safe ? of(undefined) : throwError(() => error)

/** Two instances of a service that needs 20 ms for a call, and a client with one call after the other, 10 s long. */
async function run(faults: (world: World) => void): Promise<Counts> {
  const failedAt: number[] = []
  const result = await simulate({ seed: 1, duration: 10_000 }, world => {
    for (const name of ['words-1', 'words-2']) {
      world.process(name, ({ createService, runtime }) => {
        const words = actor(Words, { count: text => of(text.length).pipe(delay(20, runtime.scheduler)) })
        return createService({ actors: [words] }).run()
      })
    }
    world.process('web', ({ createClient, runtime, stop$ }) => {
      const words = createClient().of(Words).with({ deadlineMs: 400 })
      return interval(200, runtime.scheduler).pipe(
        concatMap(() =>
          words.count('to be').pipe(
            retry({ count: 2, delay: retryIfSafe }),
            catchError(() => of(failedAt.push(world.runtime.scheduler.now()))),
          ),
        ),
        takeUntil(stop$),
      )
    })
    world.invariant(drawnRun)
    faults(world)
  })
  return { run: result, failedAt }
}

describe('a simulated cluster', () => {
  it('goes on when an instance crashes', async () => {
    const { failedAt } = await run(world => world.fault('words-1', '3s x 3s o'))

    expect(failedAt.filter(at => at < 3000 || at > 4000)).toEqual([])
  })

  it('lets deadlines pass while nothing gets through', async () => {
    const { failedAt } = await run(world => world.link('web', 'words', '3s x 2s o'))

    expect(failedAt.length).toBeGreaterThan(3)
    expect(failedAt.filter(at => at < 3000 || at > 5500)).toEqual([])
  })

  it('loses no call when an instance stops', async () => {
    const { failedAt } = await run(world => world.fault('words-1', '3s s 3s o'))

    expect(failedAt).toEqual([])
  })

  it('goes on without its registry', async () => {
    const { failedAt } = await run(world => world.registry('3s x 4s o'))

    expect(failedAt).toEqual([])
  })

  it('avoids a machine that has vanished', async () => {
    const { failedAt } = await run(world => world.fault('words-1', '3s h 4s o'))

    expect(failedAt.length).toBeGreaterThan(0)
    expect(failedAt.filter(at => at > 9000)).toEqual([])
  })
})
