import { lookup } from 'node:dns'
import { readFile } from 'node:fs'
import { readFile as readFileLater } from 'node:fs/promises'
import { connect } from 'node:net'
import { actor, contract, unary } from 'millrace/actors'
import { simulate, type Program } from 'millrace/testing'
import { EMPTY, catchError, concatMap, firstValueFrom, interval, tap, timer } from 'rxjs'
import { describe, expect, it } from 'vitest'

const HERE = /real-work\.spec\.ts:\d+/

function run(program: Program): Promise<unknown> {
  return simulate({ seed: 1, duration: 1000 }, world => void world.process('web', program))
}

describe('simulate', () => {
  it.each<readonly [string, Program, string]>([
    ['setTimeout', () => void setTimeout(() => {}, 1), 'setTimeout or setInterval'],
    ['setInterval', () => clearInterval(setInterval(() => {}, 1)), 'setTimeout or setInterval'],
    ['setImmediate', () => void setImmediate(() => {}), 'setImmediate'],
    ['AbortSignal.timeout', () => void AbortSignal.timeout(1), 'setTimeout or setInterval'],
    ['an RxJS timer without a scheduler', () => timer(1), 'an RxJS timer without a scheduler'],
    ['a file that is read', () => readFile('package.json', () => {}), 'the file system'],
    ['a file that is read by a promise', () => void readFileLater('package.json'), 'the file system'],
    [
      'a host that is looked up',
      () => {
        lookup('localhost', () => {})
      },
      'a DNS lookup',
    ],
    [
      'a socket',
      () =>
        void connect({ port: 9, host: '127.0.0.1' })
          .on('error', () => {})
          .destroy(),
      'a TCP socket',
    ],
  ])('names %s and its place', async (_, program, name) => {
    const error: Error = await run(program).then(
      () => new Error('nothing was found'),
      (thrown: Error) => thrown,
    )

    const [, found = ''] = error.message.split('\n')
    expect(error.message).toContain('time and I/O are virtual')
    expect(found.startsWith(`${name} at `)).toBe(true)
    expect(found).toMatch(HERE)
  })

  it('names a timer that is set after a promise', async () => {
    const late = run(() => void Promise.resolve().then(() => setTimeout(() => {}, 1)))

    await expect(late).rejects.toThrow(/setTimeout or setInterval at .*real-work\.spec\.ts/)
  })

  it('does not mind timers of others', async () => {
    const others = setInterval(() => {}, 1)

    const quiet = run(({ runtime }) => interval(10, runtime.scheduler).pipe(concatMap(async () => Promise.resolve())))

    await expect(quiet).resolves.toHaveProperty('violations', [])
    clearInterval(others)
  })

  it('runs chains of promises within their event', async () => {
    const times: number[] = []
    const chain = async (): Promise<void> => {
      for (let step = 0; step < 50; step++) await Promise.resolve(step)
    }

    await simulate({ seed: 1, duration: 100 }, world => {
      world.process('web', ({ runtime: { scheduler } }) => {
        scheduler.schedule(() => void chain().then(() => times.push(scheduler.now())), 10)
        scheduler.schedule(() => times.push(scheduler.now()), 10.001)
      })
    })

    expect(times).toEqual([10, 10.001])
  })

  it('runs handlers that are async functions', async () => {
    const Slow = contract('slow', { double: unary<number, number>() })
    const replies: (readonly [number, number])[] = []

    await simulate({ seed: 1, duration: 2000 }, world => {
      world.process('slow', ({ createService, runtime: { scheduler } }) => {
        const slow = actor(Slow, {
          double: async number => {
            await firstValueFrom(timer(50, scheduler))
            return (await Promise.resolve(number)) * 2
          },
        })
        return createService({ actors: [slow] }).run()
      })
      world.process('web', ({ createClient, runtime: { scheduler } }) => {
        const { double } = createClient().of(Slow)
        return interval(500, scheduler).pipe(
          concatMap(number => double(number).pipe(catchError(() => EMPTY))),
          tap(reply => replies.push([Math.floor(scheduler.now()), reply])),
        )
      })
    })

    expect(replies.map(([, reply]) => reply)).toEqual([0, 2, 4])
    expect(replies.every(([at]) => at % 500 >= 50 && at % 500 < 80)).toBe(true)
  })
})
