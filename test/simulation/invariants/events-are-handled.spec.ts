import { simulate, type World } from 'millrace/testing'
import { describe, expect, it } from 'vitest'
import { Ledger, type Queue } from '../shop/ledger.js'
import { eventsAreHandled } from './events-are-handled.js'

const kitchen: Queue = { name: 'kitchen', members: ['kitchen-1', 'kitchen-2'] }

/** An order is confirmed at 0 ms; whoever is given handles it after 100 ms. */
function order(handledBy?: Queue): (world: World) => void {
  return world => {
    const { scheduler } = world.runtime
    const ledger = new Ledger(() => scheduler.now())
    ledger.confirm('soup')
    if (handledBy !== undefined) scheduler.schedule(() => ledger.handle('soup', handledBy), 100)
    scheduler.schedule(() => {}, 6000)
    for (const name of kitchen.members) world.process(name, () => {})
    world.invariant(eventsAreHandled(ledger, [kitchen]))
  }
}

describe('eventsAreHandled', () => {
  it('reports an event that a queue group lacks', async () => {
    const run = simulate({ seed: 1, duration: 10_000 }, order())

    await expect(run).rejects.toThrow('soup, published at 0 ms, is not handled by kitchen')
  })

  it('finds nothing wrong with an event that was handled', async () => {
    const run = simulate({ seed: 1, duration: 10_000 }, order(kitchen))

    await expect(run).resolves.toHaveProperty('violations', [])
  })

  it('reports it when one of two members was down', async () => {
    const run = simulate({ seed: 1, duration: 10_000 }, world => {
      order()(world)
      world.fault('kitchen-1', '1s x 1s o')
    })

    await expect(run).rejects.toThrow('is not handled by kitchen')
  })

  it('expects nothing when all members were down', async () => {
    const run = simulate({ seed: 1, duration: 10_000 }, world => {
      order()(world)
      world.fault('kitchen-1', '1s x 1s o')
      world.fault('kitchen-2', '2s x 1s o')
    })

    await expect(run).resolves.toHaveProperty('violations', [])
  })
})
