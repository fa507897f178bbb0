import { shrink, simulate, type Fault, type Invariant, type SimulateOptions, type World } from 'millrace/testing'
import { filter, lastValueFrom, map, take, tap, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { callsAreQuick } from './calls-are-quick.js'
import { wordCounters } from './word-counters.js'

function cluster(world: World): void {
  wordCounters(world)
  world.invariant(callsAreQuick)
}

const failing: SimulateOptions = {
  seed: 1,
  duration: 30_000,
  faults: { partition: 0.2, crash: 0.2, reset: 0.2, slow: 0.1, skew: 0.05, slowLink: 0.1, vanish: 0.1 },
}

/** Of the calls of any second, one is answered. */
const someAreAnswered: Invariant = {
  name: 'some are answered',
  violations: world => {
    let answeredAt = 0
    return world.calls$.pipe(
      filter(({ run, step }) => run === undefined && step !== 'request'),
      tap(({ step }) => {
        if (step === 'reply') answeredAt = world.now()
      }),
      filter(() => world.now() > answeredAt + 1000),
      map(() => `the last one at ${answeredAt} ms`),
    )
  },
}

/** Runs a script as a test would that it is pasted into. */
function pasted(script: string): Promise<unknown> {
  // eslint-disable-next-line typescript/no-implied-eval -- the script is what is tested
  return new Function('simulate', 'cluster', `return (async () => {\n${script}\n})()`)(simulate, cluster)
}

describe('shrink', () => {
  it('leaves the one fault that is needed', async () => {
    const { script, violation } = await lastValueFrom(shrink(cluster, failing))

    expect(script).toBe(
      [
        'await simulate({ seed: 1, duration: 2000 }, world => {',
        '  cluster(world)',
        "  world.fault('words-1', '2ms h 1s o')",
        '})',
      ].join('\n'),
    )
    expect(violation.invariant).toBe('calls are quick')
  })

  it('prints scripts that violate the same when pasted', async () => {
    const shrunk = await lastValueFrom(shrink(cluster, failing).pipe(toArray()))

    for (const { script, violation } of shrunk) {
      await expect(pasted(script)).rejects.toMatchObject({
        reason: 'invariant_violated',
        details: { invariant: violation.invariant, at: violation.at },
      })
    }
  })

  it('keeps faults that break the invariant only together', async () => {
    const cut = (targets: readonly string[], at: number): Fault => ({ kind: 'partition', targets, at, ms: 4321 })
    const faults = [cut(['web', 'words-1'], 1234), cut(['web', 'registry'], 2000), cut(['web', 'words-2'], 3210)]
    const redundant = (world: World): void => {
      wordCounters(world)
      world.invariant(someAreAnswered)
    }

    const { options } = await lastValueFrom(shrink(redundant, { seed: 1, duration: 20_000, faults }))

    expect(options.faults.map(({ targets }) => targets[1])).toEqual(['words-1', 'words-2'])
  })

  it('does not take another violation for the same', async () => {
    const touchy = (world: World): void => {
      cluster(world)
      world.invariant({
        name: 'more than one fault',
        violations: ({ events$, faults }) =>
          events$.pipe(
            filter(() => faults.length === 1),
            map(() => 'there is one'),
          ),
      })
    }

    const { violation, options } = await lastValueFrom(shrink(touchy, failing))

    expect(violation.invariant).toBe('calls are quick')
    expect(options.faults.length).toBeGreaterThan(1)
  })

  it('takes no more runs than it may', async () => {
    const { runs } = await lastValueFrom(shrink(cluster, failing, { maxRuns: 4 }))

    expect(runs).toBe(4)
  })

  it('tries nothing more once unsubscribed', async () => {
    let worlds = 0
    const counted = (world: World): void => {
      worlds++
      cluster(world)
    }

    await lastValueFrom(shrink(counted, failing).pipe(take(1)))

    expect(worlds).toBe(1)
  })

  it('fails when nothing is violated', async () => {
    const shrunk = lastValueFrom(shrink(wordCounters, { seed: 1, duration: 100 }))

    await expect(shrunk).rejects.toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'nothing_violated' })
  })
})
