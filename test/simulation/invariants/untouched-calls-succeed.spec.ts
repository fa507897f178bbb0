import { actor, contract, unary } from 'millrace/actors'
import { simulate, type World } from 'millrace/testing'
import { catchError, EMPTY, mergeMap, NEVER, throwError, timer, type Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { untouchedCallsSucceed } from './untouched-calls-succeed.js'

const Doors = contract('doors', { open: unary<string, string>() })

/** Somebody opens a door at 100 ms, which does `behave`. */
function doors(behave: () => Observable<string>): (world: World) => void {
  return world => {
    world.process('doors-1', ({ createService }) => createService({ actors: [actor(Doors, { open: behave })] }).run())
    world.process('guest', ({ createClient, runtime }) => {
      const { open } = createClient().of(Doors)
      return timer(100, runtime.scheduler).pipe(
        mergeMap(() => open('please')),
        catchError(() => EMPTY),
      )
    })
    world.invariant(untouchedCallsSucceed)
  }
}

describe('untouchedCallsSucceed', () => {
  it('reports a call that fails', async () => {
    const run = simulate(
      { seed: 1, duration: 1000 },
      doors(() => throwError(() => new Error('locked'))),
    )

    await expect(run).rejects.toThrow('doors.open of guest from 100 ms, ends with INTERNAL')
  })

  it('reports a call that does not end', async () => {
    const run = simulate(
      { seed: 1, duration: 20_000 },
      doors(() => NEVER),
    )

    await expect(run).rejects.toThrow('has not ended after 10000 ms')
  })

  it('leaves calls alone that a fault may have touched', async () => {
    const run = simulate({ seed: 1, duration: 20_000 }, world => {
      doors(() => NEVER)(world)
      world.link('guest', 'doors', '9s r')
    })

    await expect(run).resolves.toHaveProperty('violations', [])
  })
})
