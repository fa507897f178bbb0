import { simulate, type Program, type Scenario } from 'millrace/testing'
import { NEVER, Subscription, throwError, timer } from 'rxjs'
import { describe, expect, it } from 'vitest'

const lost = (): Error => new Error('lost')

function run(program: Program): Promise<unknown> {
  return simulate({ seed: 1, duration: 100 }, world => void world.process('web', program))
}

describe('simulate', () => {
  it.each<readonly [string, () => void]>([
    ['a rejected promise', () => void Promise.reject(lost())],
    ['an async function that throws', () => void (async () => Promise.reject(lost()))()],
    [
      'a throwing micro-task',
      () =>
        queueMicrotask(() => {
          throw lost()
        }),
    ],
    [
      'a throwing tick',
      () =>
        process.nextTick(() => {
          throw lost()
        }),
    ],
    ['an Observable that fails', () => void throwError(lost).subscribe()],
  ])('breaks at %s that nobody handles', async (_, fail) => {
    const before = process.listeners('unhandledRejection')

    const broken = run(({ runtime: { scheduler } }) => {
      scheduler.schedule(fail, 40)
      return NEVER
    })

    await expect(broken).rejects.toThrow(/violated at 40\.000 ms .*\nnobody handled Error: lost/)
    expect(process.listeners('unhandledRejection')).toEqual(before)
  })

  it('breaks at what happens in the last millisecond', async () => {
    const broken = run(({ runtime: { scheduler } }) => scheduler.schedule(() => void Promise.reject(lost()), 100))

    await expect(broken).rejects.toThrow('nobody handled Error: lost')
  })

  it('leaves promises that are handled later alone', async () => {
    const quiet = run(() => {
      const failed = Promise.reject(lost())
      return void Promise.resolve().then(() => failed.catch(() => {}))
    })

    await expect(quiet).resolves.toHaveProperty('violations', [])
  })

  it('tells each of several runs its own errors', async () => {
    const failing: Program = ({ runtime: { scheduler } }) => {
      scheduler.schedule(() => void throwError(lost).subscribe(), 90)
    }

    const results = await Promise.allSettled([run(() => timer(0, -1)), run(failing), run(() => new Subscription())])

    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
    expect(String((results[1] as PromiseRejectedResult).reason)).toContain('nobody handled Error: lost')
  })

  it('refuses a scenario that is an async function', async () => {
    const scenario = (async () => {}) as unknown as Scenario

    await expect(simulate({ seed: 1, duration: 1 }, scenario)).rejects.toMatchObject({ reason: 'invalid_scenario' })
  })

  it.each([null, 5])('says what a program may give instead of %s', async given => {
    const program = (() => given) as unknown as Program

    await expect(run(program)).rejects.toThrow('an Observable, something to unsubscribe, or nothing is expected')
  })

  it('names an invariant that throws', async () => {
    const throwing = simulate({ seed: 1, duration: 1 }, world =>
      world.invariant({
        name: 'all is well',
        violations: () => {
          throw lost()
        },
      }),
    )

    await expect(throwing).rejects.toThrow('all is well\nthe invariant itself failed: Error: lost')
  })
})
