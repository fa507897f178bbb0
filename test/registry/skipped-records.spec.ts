import { seededRuntime, type LogEvent } from 'millrace/core'
import { VirtualTimeScheduler } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { skippedRecords } from '../../src/registry/skipped-records.js'

describe('skippedRecords', () => {
  it('tells the present number, then each next one', () => {
    const { skipped, counts } = skipping()

    skipped.skip('a', 'no JSON')
    skipped.skip('b', 'no JSON')

    expect(counts).toEqual([0, 1, 2])
  })

  it('logs one line in ten seconds', () => {
    const { skipped, lines, scheduler } = skipping()

    for (const at of [0, 1, 9999, 10_000]) scheduler.schedule(() => skipped.skip(`/at/${at}`, 'no JSON'), at)
    scheduler.flush()

    expect(lines.map(({ message }) => message)).toEqual([
      'registry etcd: record "/at/0" is skipped: no JSON',
      'registry etcd: record "/at/10000" is skipped: no JSON (and 2 more since the last line)',
    ])
  })

  it('shows the beginning of a long name', () => {
    const { skipped, lines } = skipping()

    skipped.skip('x'.repeat(1_000_000), 'too long')

    expect(lines[0]?.message.length).toBeLessThan(300)
  })
})

function skipping() {
  const lines: LogEvent[] = []
  const counts: number[] = []
  const scheduler = new VirtualTimeScheduler()
  const skipped = skippedRecords('etcd', line => lines.push(line), seededRuntime({ scheduler, seed: 1 }))
  skipped.count$.subscribe(count => counts.push(count))
  return { skipped, lines, counts, scheduler }
}
