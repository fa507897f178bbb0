import { createHash } from 'node:crypto'
import { simulate } from 'millrace/testing'
import { filter, finalize, interval, map } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { EventLog } from '../../../src/testing/simulator/event-log.js'

describe('EventLog', () => {
  it('counts bytes into its hash, although no line shows them', () => {
    const [one, other] = [new EventLog(), new EventLog()]

    one.add(1, 'web', 'frame', Uint8Array.of(1))
    other.add(1, 'web', 'frame', Uint8Array.of(2))

    expect([one.lines, one.hash()]).toEqual([other.lines, expect.not.stringContaining(other.hash())])
  })

  it('hashes lines and bytes of every length in order', () => {
    const log = new EventLog()
    const expected = createHash('sha256')

    for (const length of [0, 1, 40_000, 65_536, 3, 200_000, 30_000]) {
      const [text, bytes] = ['é'.repeat(length), new Uint8Array(length).fill(7)]
      log.add(1, 'web', text, bytes)
      expected.update(`1.000 web ${text}\n`).update(bytes)
    }

    expect(log.hash()).toBe(expected.digest('hex'))
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
      world.process('web', ({ note, runtime }) =>
        interval(10, runtime.scheduler).pipe(finalize(() => note('put away'))),
      )
      world.invariant({
        name: 'time stands still',
        violations: observed =>
          observed.events$.pipe(
            filter(() => observed.now() > 0),
            map(() => 'it does not'),
          ),
      })
    })

    await expect(run).rejects.toThrow(/world violated: time stands still: it does not\nno faults$/)
  })
})
