import { limitedLog, seededRuntime, type LogEvent } from 'millrace/core'
import { VirtualTimeScheduler } from 'rxjs'
import { describe, expect, it } from 'vitest'

describe('limitedLog', () => {
  it('passes 20 events of a name in a second', () => {
    const { log, names } = logged()

    for (let count = 0; count < 1000; count++) log({ level: 'warn', event: 'a.b', message: 'c' })

    expect(names).toEqual([...Array.from({ length: 20 }, () => 'a.b'), 'log.limited'])
  })

  it('begins again with the next second', () => {
    const { log, names, scheduler } = logged()
    for (let count = 0; count < 30; count++) log({ level: 'warn', event: 'a', message: 'c' })
    names.length = 0

    scheduler.schedule(() => log({ level: 'warn', event: 'a', message: 'c' }), 999)
    scheduler.schedule(() => log({ level: 'warn', event: 'a', message: 'c' }), 1000)
    scheduler.flush()

    expect(names).toEqual(['a'])
  })

  it('counts each name by itself', () => {
    const { log, names } = logged()
    for (let count = 0; count < 30; count++) log({ level: 'warn', event: 'a', message: 'c' })
    names.length = 0

    log({ level: 'error', event: 'b', message: 'c' })

    expect(names).toEqual(['b'])
  })
})

function logged(): { log: (event: LogEvent) => void; names: string[]; scheduler: VirtualTimeScheduler } {
  const names: string[] = []
  const scheduler = new VirtualTimeScheduler()
  const log = limitedLog(({ event }) => names.push(event), seededRuntime({ scheduler, seed: 1 }))
  return { log, names, scheduler }
}
