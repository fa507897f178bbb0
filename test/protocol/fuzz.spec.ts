import { describe, expect, it } from 'vitest'
import { fuzzMemory } from '../fuzz/fuzz-memory.js'

const seed = 20_261

// `npm run fuzz` does the same with a million frames.
describe('hostile frames', () => {
  it('harm nobody but who sends them', async () => {
    const { failures, outcomes, connections } = await fuzzMemory({ frames: 3000, seed })

    expect(failures).toEqual([])
    expect(Math.min(connections.client, connections.server)).toBeGreaterThan(20)
    expect(Object.keys(outcomes)).toEqual(
      expect.arrayContaining([
        'answered',
        'no answer: taken, or ignored',
        'connection ended, CONNECTION_ERROR malformed_frame',
        'connection ended, INVALID_SETUP invalid_setup',
        'error on a stream, INVALID invalid_metadata',
      ]),
    )
  })

  it('have the same outcomes for the same seed', async () => {
    const reports = [await fuzzMemory({ frames: 200, seed }), await fuzzMemory({ frames: 200, seed })]

    const [first, second] = reports.map(({ outcomes, unread, connections }) => ({ outcomes, unread, connections }))
    expect(first).toEqual(second)
  })
})
