import { limitedLog, seededRuntime, type Log } from 'millrace/core'
import { VirtualTimeScheduler } from 'rxjs'
import { describe, expect, it } from 'vitest'

describe('limitedLog', () => {
  it('passes 20 events of a name in a second', () => {
    const { log, messages } = logged()

    for (let count = 0; count < 1000; count++) log({ level: 'warn', event: 'a.b', message: 'c' })

    expect(messages).toEqual(Array.from({ length: 20 }, () => 'c'))
  })

  it('says in the next second what it kept back', () => {
    const { log, messages, scheduler } = logged()
    for (let count = 0; count < 30; count++) log({ level: 'warn', event: 'a', message: 'c' })
    messages.length = 0

    scheduler.schedule(() => log({ level: 'warn', event: 'a', message: 'at 999' }), 999)
    scheduler.schedule(() => log({ level: 'warn', event: 'a', message: 'at 1000' }), 1000)
    scheduler.schedule(() => log({ level: 'warn', event: 'a', message: 'at 2000' }), 2000)
    scheduler.flush()

    expect(messages).toEqual(['at 1000 (and 11 more since the last line)', 'at 2000'])
  })

  it('counts each name by itself', () => {
    const { log, messages } = logged()
    for (let count = 0; count < 30; count++) log({ level: 'warn', event: 'a', message: 'c' })
    messages.length = 0

    log({ level: 'error', event: 'b', message: 'd' })

    expect(messages).toEqual(['d'])
  })
})

function logged(): { log: Log; messages: string[]; scheduler: VirtualTimeScheduler } {
  const messages: string[] = []
  const scheduler = new VirtualTimeScheduler()
  const log = limitedLog(({ message }) => messages.push(message), seededRuntime({ scheduler, seed: 1 }))
  return { log, messages, scheduler }
}
