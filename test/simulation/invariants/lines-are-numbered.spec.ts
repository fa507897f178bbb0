import { actor, type Behaviour } from 'millrace/actors'
import { simulate, type World } from 'millrace/testing'
import { mergeMap, timer } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { Orders } from '../shop/contracts.js'
import { linesAreNumbered } from './lines-are-numbered.js'

/** Somebody reads a history that has these numbers. */
function history(...numbers: readonly number[]): (world: World) => void {
  const behaviour: Behaviour<(typeof Orders)['endpoints']> = {
    place: () => 'order',
    label: line$ => line$,
    history: () => numbers.map(n => ({ n, item: 'item' })),
  }
  return world => {
    world.process('orders-1', ({ createService }) => createService({ actors: [actor(Orders, behaviour)] }).run())
    world.process('buyer', ({ createClient, runtime }) => {
      const { history } = createClient().of(Orders)
      return timer(100, runtime.scheduler).pipe(mergeMap(() => history(0)))
    })
    world.invariant(linesAreNumbered)
  }
}

describe('linesAreNumbered', () => {
  it('reports a line that is left out', async () => {
    const run = simulate({ seed: 1, duration: 1000 }, history(1, 2, 4))

    await expect(run).rejects.toThrow('orders.history: reply 3 at orders-1 is {"n":4,"item":"item"}')
  })

  it('finds nothing wrong with lines in sequence', async () => {
    const run = simulate({ seed: 1, duration: 1000 }, history(1, 2, 3))

    await expect(run).resolves.toHaveProperty('violations', [])
  })
})
