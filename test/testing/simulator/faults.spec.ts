import { unprocessable } from 'millrace/broker'
import { messageOf, type RpcError } from 'millrace/core'
import { rsocket } from 'millrace/protocol/rsocket'
import { simulate, type Scenario, type World } from 'millrace/testing'
import { hold } from 'millrace/streams'
import { catchError, delay, EMPTY, interval, map, merge, mergeMap, NEVER, of, takeUntil, tap, timer } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { callsMade, ranAt, recordedRun, type RecordedRun } from './recorded-run.js'
import { Words, wordCounters } from './word-counters.js'

const lost = (log: readonly string[]): readonly string[] => log.filter(line => line.includes('connection.lost'))

/** How long the quickest of the calls took that were made between two times, ms. */
function shortest(run: RecordedRun, from: number, to: number): number {
  return Math.min(...callsMade(run, from, to).map(({ startedAt, endedAt = Infinity }) => endedAt - startedAt))
}

describe('World.fault', () => {
  it('tells the other ends of a process that crashes', async () => {
    const run = await recordedRun(6000, world => world.fault('words-1', '2s x 2s o'))

    expect(run.steps.slice(3)).toEqual(['2000 words-1 crashed', '4001 words-1 started'])
    expect(lost(run.log)[0]).toMatch(/^2\d\d\d\.\d+ web warn connection\.lost/)
    expect(ranAt(run, 2100, 4000)).toEqual(['words-2'])
    expect(ranAt(run, 4500, 6000)).toEqual(['words-1', 'words-2'])
  })

  it('tells nobody of a machine that vanishes', async () => {
    const run = await recordedRun(6000, world => world.fault('words-1', '2s h 3s o'))

    expect(run.steps.slice(3)).toEqual(['2000 words-1 vanished', '5001 words-1 started'])
    expect(lost(run.log)[0]).toMatch(/^500\d\.\d+ web /)
    expect(callsMade(run, 2000, 4000).some(({ end }) => end === 'cancelled')).toBe(true)
  })

  it('lets a process that is restarted end its calls', async () => {
    const run = await recordedRun(6000, world => world.fault('words-1', '2s s 2s o'))

    expect(run.steps.slice(3)).toEqual([
      '2000 words-1 stopping',
      expect.stringMatching(/ ended$/),
      '4001 words-1 started',
    ])
    expect(run.observed.every(({ end }) => end !== 'UNAVAILABLE')).toBe(true)
  })

  it('lets every event of a slow process take 5 ms', async () => {
    const times: number[] = []
    await simulate({ seed: 1, duration: 3000 }, world => {
      world.process('web', ({ runtime: { scheduler } }) =>
        interval(900, scheduler).pipe(
          mergeMap(() => [1, 2, 3]),
          delay(10, scheduler),
          tap(() => times.push(scheduler.now())),
        ),
      )
      world.fault('web', '1s z 1s o')
    })

    expect(times).toEqual([910, 910, 910, 1810, 1815, 1820, 2710, 2710, 2710])
  })

  it('keeps a process down until its last fault ends', async () => {
    const run = await recordedRun(6000, world => {
      world.fault('words-1', '2s x 2s o')
      world.fault('words', '3s x 2s o')
    })

    expect(run.steps.filter(step => step.includes('words-1')).slice(1)).toEqual([
      '2000 words-1 crashed',
      '5001 words-1 started',
    ])
  })
})

describe('World.link', () => {
  it('lets nothing pass, and then all that waited', async () => {
    const run = await recordedRun(6000, world => world.link('web', 'words', '2s x 500ms o'))

    const [first] = callsMade(run, 2000, 2500)
    expect(first?.end).toBe('completed')
    expect(first?.endedAt).toBeGreaterThan(2500)
    expect(lost(run.log)).toEqual([])
  })

  it('breaks connections, which are made again', async () => {
    const run = await recordedRun(6000, world => world.link('web', 'words-1', '2s r'))

    expect(lost(run.log)[0]).toMatch(/^2000\.000 /)
    expect(ranAt(run, 3000, 6000)).toEqual(['words-1', 'words-2'])
  })

  it('takes twenty times as long while it is slow', async () => {
    const run = await recordedRun(6000, world => world.link('web', 'words', '2s z 2s o'))

    expect(shortest(run, 500, 1900)).toBeLessThan(22)
    expect(shortest(run, 2100, 3900)).toBeGreaterThan(24)
  })

  it('is noticed by keepalive when it stays half open', async () => {
    const impatient = { keepAliveMs: 500, maxLifetimeMs: 1500 }
    const { log } = await simulate({ seed: 1, duration: 6000 }, world => {
      wordCounters(world)
      world.process('mobile', ({ createClient, runtime, transport, log: told, stop$ }) => {
        const { count } = createClient({ protocol: rsocket(transport, { ...impatient, runtime, log: told }) }).of(Words)
        return interval(50, runtime.scheduler).pipe(
          mergeMap(() => count('to be').pipe(catchError(() => EMPTY))),
          takeUntil(stop$),
        )
      })
      world.link('mobile', 'words-1', '2s x')
    })

    const noticed = log.filter(line => line.includes(' mobile warn connection.failed'))
    expect(noticed[0]).toMatch(/^3\d\d\d\.\d+ mobile .*: nothing was heard for 1500 ms$/)
  })
})

describe('World.registry', () => {
  it('shows a stale picture while it is down', async () => {
    const { log } = await recordedRun(6000, world => world.registry('2s x 2s o'))

    const seen = log.filter(line => line.includes(' web sees ') && Number.parseFloat(line) > 1000)
    expect(seen).toEqual([
      expect.stringMatching(/^2000\..*, stale$/),
      expect.stringMatching(/^4\d{3}\.\d+ web sees \S+ \S+$/),
    ])
  })

  it('stays down until the last of two outages ends', async () => {
    const { log } = await recordedRun(8000, world => {
      world.registry('1s x 3s o')
      world.registry('2s x 500ms o')
    })

    const seen = log.filter(line => line.includes(' web sees ') && Number.parseFloat(line) > 900)
    expect(seen.map(line => Number.parseFloat(line) > 4000)).toEqual([false, true])
  })

  it('forgets a process cut off for longer than a lease', async () => {
    const { log } = await recordedRun(12_000, world => world.link('words-1', 'registry', '1s x 8s o'))

    const seen = log.filter(line => line.includes(' web sees ') && Number.parseFloat(line) > 1000)
    expect(seen.map(line => [Math.floor(Number.parseFloat(line) / 1000), line.split(' ').length - 3])).toEqual([
      [5, 1],
      [9, 2],
    ])
  })

  it('empties no picture when its data is gone', async () => {
    const { log } = await recordedRun(8000, world => {
      world.registry('2s w 1s o')
      world.link('words-1', 'registry', '2s x 3s o')
    })

    const seen = log.filter(line => line.includes(' web sees ') && Number.parseFloat(line) > 3001)
    expect(seen).toEqual([expect.stringMatching(/^3.* web sees \S+ \S+$/)]) // words-1 is back in time
  })

  it('cannot tell who was cut off what it forgot', async () => {
    const { log } = await recordedRun(8000, world => {
      world.registry('c')
      world.link('web', 'registry', '2500ms x 1s o')
      world.fault('words-1', '3s s')
    })

    const told = log.filter(line => / web (?:warn registry|sees)/.test(line)).slice(-4)
    expect(told).toEqual([
      expect.stringMatching(/^350.* registry\.down: .* has been compacted$/),
      expect.stringMatching(/ web sees \S+ \S+, stale$/),
      expect.stringMatching(/^3.* web sees \S+ \S+$/),
      expect.stringMatching(/^7.* web sees \S+$/), // who is missing was waited for
    ])
  })
})

describe('World.broker', () => {
  it('refuses what is published while it is down', async () => {
    const refused: number[] = []
    await simulate({ seed: 1, duration: 4000 }, world => {
      world.process('news', ({ broker, runtime: { scheduler } }) =>
        interval(100, scheduler).pipe(
          mergeMap(body =>
            broker.publish('news', { header: {}, body }).pipe(catchError(() => of(refused.push(scheduler.now())))),
          ),
        ),
      )
      world.broker('1s x 1s o')
    })

    expect([Math.min(...refused), Math.max(...refused), refused.length]).toEqual([1000, 2000, 11])
  })

  it('delivers to whoever subscribes, before and after', async () => {
    const heard: number[] = []
    await simulate({ seed: 1, duration: 4000 }, world => {
      world.process('news', ({ broker, runtime: { scheduler } }) =>
        interval(100, scheduler).pipe(
          mergeMap(body => broker.publish('news', { header: {}, body }).pipe(catchError(() => EMPTY))),
        ),
      )
      world.process('reader', ({ broker, runtime: { scheduler } }) =>
        broker.subscribe('news').pipe(tap(() => heard.push(scheduler.now()))),
      )
      world.broker('1s x 1s o')
    })

    expect(heard.length).toBeGreaterThan(25)
    expect(heard.filter(at => at > 1010 && at < 2000)).toEqual([])
  })

  it('lists dead letters to whoever reaches it', async () => {
    const listed: unknown[] = []
    await simulate({ seed: 1, duration: 4000 }, world => {
      world.process('reader', ({ broker, runtime: { scheduler } }) =>
        merge(
          broker.subscribe('news').pipe(tap(() => hold()?.(unprocessable('no news')))),
          timer(500, scheduler).pipe(mergeMap(() => broker.publish('news', messageOf('old')))),
          timer(900, 1000, scheduler).pipe(
            mergeMap(() =>
              broker.deadLetters.list().pipe(
                map(({ message }) => message.body),
                catchError((error: RpcError) => of(error.reason)),
              ),
            ),
            tap(answer => listed.push(answer)),
          ),
        ),
      )
      world.broker('1s x 1s o')
    })

    expect(listed).toEqual(['old', 'broker_unavailable', 'old', 'old'])
  })
})

describe('World.skew', () => {
  it('sets the clock of a process ahead', async () => {
    const times: (readonly [string, number])[] = []
    const tell = (world: World, name: string): void =>
      void world.process(name, ({ runtime: { scheduler } }) =>
        interval(1000, scheduler).pipe(map(() => times.push([name, scheduler.now()]))),
      )

    await simulate({ seed: 1, duration: 1500 }, world => {
      tell(world, 'early')
      tell(world, 'right')
      world.skew('early', 60_000)
    })

    expect(times).toEqual([
      ['early', 61_000],
      ['right', 1000],
    ])
  })
})

describe('simulate', () => {
  it.each<readonly [string, Scenario, string]>([
    ['of the registry as of a process', world => world.fault('registry', '1s x'), 'no process is called "registry"'],
    ['of a clock that goes back', world => world.skew('web', -1), 'expected 0 or more ms, got -1'],
    ['of a clock without time', world => world.skew('web', Number.NaN), 'expected 0 or more ms, got NaN'],
  ])('refuses a fault %s', async (_, draw, message) => {
    const refused = simulate({ seed: 1, duration: 1 }, world => {
      world.process('web', () => NEVER)
      draw(world)
    })

    await expect(refused).rejects.toMatchObject({ reason: 'invalid_scenario' })
    await expect(refused).rejects.toThrow(message)
  })
})
