import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { simulate, type Fault, type SimulateOptions, type World } from 'millrace/testing'
import { interval, tap, throwError, timer } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { callsAreQuick } from './calls-are-quick.js'
import { wordCounters } from './word-counters.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const faulty: SimulateOptions = { seed: 3, duration: 8000, faults: { crash: 0.5, partition: 0.5 } }

describe('simulate', () => {
  it('does the same with the same seed', async () => {
    const once = await simulate(faulty, wordCounters)

    const again = await simulate(faulty, wordCounters)

    expect(again).toEqual(once)
  })

  it('does something else with another seed', async () => {
    const { hash } = await simulate(faulty, wordCounters)

    const other = await simulate({ ...faulty, seed: 4 }, wordCounters)

    expect(other.hash).not.toBe(hash)
  })

  it('does the same with the faults that it has drawn', async () => {
    const drawn = await simulate(faulty, wordCounters)

    const again = await simulate({ ...faulty, faults: drawn.injected }, wordCounters)

    expect(again).toEqual(drawn)
  })

  it('draws as before for others without a fault', async () => {
    const talk = (world: World): void => {
      for (const name of ['a', 'b']) {
        world.process(name, ({ runtime, note }) =>
          interval(100, runtime.scheduler).pipe(tap(() => note(String(runtime.random())))),
        )
      }
    }
    const saidBy = (log: readonly string[]): readonly string[] => log.filter(line => line.includes(' b '))

    const { log } = await simulate({ seed: 1, duration: 2000 }, world => {
      talk(world)
      world.fault('a', '500ms x 500ms o')
    })

    expect(saidBy(log)).toEqual(saidBy((await simulate({ seed: 1, duration: 2000 }, talk)).log))
  })

  it('tells what was violated, when, and after which faults', async () => {
    const run = simulate({ seed: 1, duration: 5000, invariants: [callsAreQuick] }, world => {
      wordCounters(world)
      world.link('web', 'words', '1s x 2s o')
    })

    await expect(run).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'invariant_violated',
      details: { invariant: 'calls are quick', at: 2000, seed: 1 },
    })
    const [first, second, third, ...others] = await run.then(
      () => [],
      (error: Error) => error.message.split('\n'),
    )
    expect([first, second, third]).toEqual([
      '[FAILED_PRECONDITION] simulate: violated at 2000.000 ms with seed 1: calls are quick',
      'call 10, made at 1000 ms, was not',
      'the last events:',
    ])
    expect(others.slice(-2)).toEqual(['the faults:', "  world.link('web', 'words', '1s x 2s o')"])
  })

  it('ends with the first violation', async () => {
    const times: number[] = []

    const run = simulate({ seed: 1, duration: 5000 }, ({ runtime, process, invariant }) => {
      process('clock', context =>
        interval(1000, context.runtime.scheduler).pipe(tap(() => times.push(runtime.scheduler.now()))),
      )
      invariant({
        name: 'it is early',
        violations: () => timer(2500, runtime.scheduler).pipe(tap(() => 'no')) as never,
      })
    })

    await expect(run).rejects.toThrow('it is early')
    expect(times).toEqual([1000, 2000])
  })

  it('names a program that fails', async () => {
    const run = simulate({ seed: 1, duration: 1000 }, world => {
      world.process('web', () => throwError(() => new TypeError('no such page')))
    })

    await expect(run).rejects.toThrow('errors are handled\nweb failed: TypeError: no such page')
  })

  it('names an event that throws', async () => {
    const run = simulate({ seed: 1, duration: 1000 }, world => {
      world.process('web', ({ runtime }) =>
        runtime.scheduler.schedule(() => {
          throw new TypeError('no such page')
        }, 10),
      )
    })

    await expect(run).rejects.toThrow(
      'violated at 10.000 ms with seed 1: errors are handled\nweb: TypeError: no such page',
    )
  })

  it('names a program that gives nothing that it can end', async () => {
    const run = simulate({ seed: 1, duration: 1000 }, world => {
      world.process('web', (async () => {}) as never)
    })

    await expect(run).rejects.toThrow('web: its program gave a Promise; an Observable')
  })

  it('names an error that no subscriber handles', async () => {
    const run = simulate({ seed: 1, duration: 1000 }, world => {
      world.process('web', () => void throwError(() => new TypeError('no such page')).subscribe())
    })

    await expect(run).rejects.toThrow('errors are handled\nnobody handled TypeError: no such page')
  })

  it('diagnoses work that repeats without delay', async () => {
    const run = simulate({ seed: 1, duration: 1000 }, world => {
      world.process('busy', ({ runtime }) => interval(0, runtime.scheduler))
    })

    await expect(run).rejects.toMatchObject({
      reason: 'simulation_runaway',
      rawMessage: expect.stringContaining(
        'time stands still at 0 ms: more than 200000 events at one instant, the last in busy',
      ),
    })
  })

  it('lists every fault of its options', async () => {
    const wrong = {
      seed: 0.5,
      duration: 0,
      faults: { partition: -1, earthquake: 1 },
      latencyMs: { min: 2, median: 1, max: 3 },
      leaseMs: 'long',
      retries: 3,
    } as unknown as SimulateOptions

    await expect(simulate(wrong, wordCounters)).rejects.toMatchObject({
      reason: 'invalid_options',
      details: [
        expect.stringMatching(/^seed: /),
        expect.stringMatching(/^duration: /),
        'faults.partition: expected a number ≥ 0, got -1',
        expect.stringMatching(/^faults: earthquake is no kind, known are partition, reset, /),
        'latencyMs: expected 0 ≤ min ≤ median ≤ max, got 2, 1 and 3',
        expect.stringMatching(/^leaseMs: /),
        expect.stringMatching(/^retries: no such option/),
      ],
    })
  })

  it('lists every fault of a list of faults', async () => {
    const faults = [
      { kind: 'crash', targets: [], at: -1, ms: 0 },
      { kind: 'flood', targets: ['web'], at: 0, ms: 1 },
      { kind: 'reset', targets: ['web', 'words'], at: 0, ms: 0 },
    ] as unknown as readonly Fault[]

    await expect(simulate({ seed: 1, duration: 10, faults }, wordCounters)).rejects.toMatchObject({
      details: [
        'faults[0].targets: expected 1 names for crash',
        'faults[0].at: expected a whole number ≥ 0, got -1',
        'faults[0].ms: expected a whole number ≥ 1, got 0',
        expect.stringMatching(/^faults\[1\]\.kind: expected one of partition, .*, got "flood"$/),
      ],
    })
  })

  it.each<readonly [string, (world: World) => void, string]>([
    ['a name that is none', world => void world.process('two words', () => {}), 'use letters, digits and -'],
    ['a name of the simulator', world => void world.process('registry', () => {}), 'use letters, digits and -'],
    ['a name that is taken', world => void world.process('web', () => {}), 'it is taken'],
    ['a fault of nobody', world => world.fault('wbe', '1s x'), 'no process is called "wbe"; there are web'],
    [
      'a letter that is no fault',
      world => world.link('web', 'web', '1s q'),
      'no fault is called "q"; use x (partition)',
    ],
    ['a diagram that does not read', world => world.registry('1s (x'), 'a group is not closed'],
  ])('refuses %s', async (_, mistake, message) => {
    const run = simulate({ seed: 1, duration: 10 }, world => {
      world.process('web', () => {})
      mistake(world)
    })

    await expect(run).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', rawMessage: expect.stringContaining(message) })
  })

  it('refuses faults that are drawn too late', async () => {
    const run = simulate({ seed: 1, duration: 10 }, world => {
      world.process('web', () => world.fault('web', 'x'))
    })

    await expect(run).rejects.toThrow('a fault is drawn before the run begins')
  })

  it('leaves nothing behind', async () => {
    const runs = async (): Promise<number> => {
      for (let seed = 1; seed <= 30; seed++) await simulate({ seed, duration: 1000 }, wordCounters)
      collectGarbage()
      return process.memoryUsage().heapUsed
    }
    await runs()

    const grown = (await runs()) - (await runs())

    expect(Math.abs(grown)).toBeLessThan(2_000_000)
  })
})
