import { explore, toReport, type ExploreOptions, type World } from 'millrace/testing'
import { concat, lastValueFrom, take, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { callsAreQuick } from './calls-are-quick.js'
import { wordCounters } from './word-counters.js'

const faulty: ExploreOptions = { duration: 10_000, seeds: 6, faults: { vanish: 0.3 }, settleMs: 6000 }
const quick: Partial<ExploreOptions> = { invariants: [callsAreQuick] }

describe('explore', () => {
  it('tells what each seed led to', async () => {
    const runs = await lastValueFrom(explore(wordCounters, { ...faulty, seeds: 2, firstSeed: 7 }).pipe(toArray()))

    expect(runs.map(({ seed, virtualMs, violation }) => [seed, virtualMs, violation])).toEqual([
      [7, 10_000, undefined],
      [8, 10_000, undefined],
    ])
    expect(runs.every(({ events, calls, faults }) => events > 100 && calls > 20 && faults > 0)).toBe(true)
  })

  it('goes on after a seed that fails', async () => {
    const { seeds, failures } = await lastValueFrom(explore(wordCounters, { ...faulty, ...quick }).pipe(toReport()))

    expect(seeds).toBe(6)
    expect(failures.length).toBeGreaterThan(0)
    expect(failures[0]).toEqual({
      seed: expect.any(Number),
      invariant: 'calls are quick',
      message: expect.stringMatching(/^call \d+, made at \d+ ms, was not$/),
      at: expect.any(Number),
    })
  })

  it('runs no further seed once unsubscribed', async () => {
    const worlds: World[] = []

    await lastValueFrom(explore(world => void worlds.push(world), { duration: 10 }).pipe(take(2)))

    expect(worlds).toHaveLength(3) // the first seed runs twice
  })

  it('names the event in which a second run differs', async () => {
    let runs = 0
    const forgetful = (world: World): void => {
      runs++
      world.process('web', ({ note }) => {
        note('as before')
        note(`run ${runs}`)
      })
    }

    const exploration = lastValueFrom(explore(forgetful, { seeds: 1, duration: 10 }))

    await expect(exploration).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'not_repeatable',
      rawMessage: expect.stringContaining('at first  0.000 web run 1\n  then      0.000 web run 2\nUsual causes'),
    })
  })

  it('names a second run that is longer', async () => {
    let runs = 0
    const growing = (world: World): void => {
      runs++
      world.process('web', ({ note }) => Array.from({ length: runs }).forEach(() => note('once more')))
    }

    const exploration = lastValueFrom(explore(growing, { seeds: 1, duration: 10 }))

    await expect(exploration).rejects.toThrow('at first  nothing more\n  then      0.000 web once more')
  })

  it('lists every fault of its options', () => {
    const wrong: ExploreOptions = { seeds: 0, firstSeed: 0.5, duration: -1 }

    expect(() => explore(wordCounters, wrong)).toThrow(
      /^\[INVALID_ARGUMENT\] explore: seeds: .*; firstSeed: .*; duration: /,
    )
  })
})

describe('toReport', () => {
  it('makes one report of runs from several explorations', async () => {
    const half = { ...faulty, seeds: 3 }
    const first = explore(wordCounters, half)
    const second = explore(wordCounters, { ...half, firstSeed: 4 })

    const merged = await lastValueFrom(concat(second, first).pipe(toReport()))

    expect(merged).toEqual(await lastValueFrom(explore(wordCounters, faulty).pipe(toReport())))
  })

  it('gives another hash for other seeds', async () => {
    const hashOf = (firstSeed: number): Promise<{ readonly hash: string }> =>
      lastValueFrom(explore(wordCounters, { duration: 300, seeds: 1, firstSeed }).pipe(toReport()))

    expect((await hashOf(1)).hash).not.toBe((await hashOf(2)).hash)
  })
})
