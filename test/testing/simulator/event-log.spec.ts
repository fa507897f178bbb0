import { simulate } from 'millrace/testing'
import { finalize, map, NEVER } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { EventLog } from '../../../src/testing/simulator/event-log.js'

describe('EventLog', () => {
  it('counts bytes into its hash, although no line shows them', () => {
    const [one, other] = [new EventLog(), new EventLog()]

    one.add(1, 'web', 'frame', Uint8Array.of(1))
    other.add(1, 'web', 'frame', Uint8Array.of(2))

    expect([one.lines, one.hash()]).toEqual([other.lines, expect.not.stringContaining(other.hash())])
  })

  it('takes no more when it is closed', () => {
    const log = new EventLog()
    const empty = log.hash()

    log.close()
    log.add(1, 'web', 'ended')

    expect([log.lines, log.hash()]).toEqual([[], empty])
  })

  it('of a run ends with what was violated', async () => {
    const run = simulate({ seed: 1, duration: 100 }, world => {
      world.process('web', ({ note }) => NEVER.pipe(finalize(() => note('put away'))))
      world.invariant({
        name: 'nobody starts',
        violations: ({ processes$ }) => processes$.pipe(map(({ process }) => `${process} does`)),
      })
    })

    await expect(run).rejects.toThrow(/world violated: nobody starts: web does\nno faults$/)
  })
})
