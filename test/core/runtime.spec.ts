import { seededRuntime, systemRuntime } from 'millrace/core'
import { VirtualTimeScheduler } from 'rxjs'
import { describe, expect, it } from 'vitest'

const seeded = (seed: number): ReturnType<typeof seededRuntime> =>
  seededRuntime({ scheduler: new VirtualTimeScheduler(), seed })

describe('seededRuntime', () => {
  it('draws the same on every machine', () => {
    const runtime = seeded(1)

    const draws = Array.from({ length: 4 }, () => runtime.random())

    expect(draws).toEqual([0.37700213422067463, 0.3676133945118636, 0.005181196378543973, 0.4449277352541685])
    expect(runtime.id()).toBe('633f50e1397c8ae0026a8c7eb5807c35')
  })

  it('draws differently for another seed', () => {
    const [first, second] = [seeded(1), seeded(2)]

    expect(first.random()).not.toBe(second.random())
    expect(first.id()).not.toBe(second.id())
  })

  it('draws evenly from zero to one', () => {
    const runtime = seeded(-7)
    const tenths = new Array<number>(10).fill(0)

    for (let draw = 0; draw < 10_000; draw++) {
      const tenth = Math.floor(runtime.random() * 10)
      tenths[tenth] = (tenths[tenth] ?? NaN) + 1
    }

    expect(tenths).toHaveLength(10)
    expect(Math.min(...tenths)).toBeGreaterThan(900)
    expect(Math.max(...tenths)).toBeLessThan(1100)
  })

  it('runs tasks through its scheduler in order', () => {
    const scheduler = new VirtualTimeScheduler()
    const runtime = seededRuntime({ scheduler, seed: 1 })
    const ran: string[] = []

    runtime.macrotask(() => ran.push('first'))
    runtime.microtask(() => ran.push('second'))
    expect(ran).toEqual([])
    scheduler.flush()

    expect(ran).toEqual(['first', 'second'])
    expect(scheduler.frame).toBe(0)
  })
})

describe('systemRuntime', () => {
  it('is one for all', () => {
    expect(systemRuntime()).toBe(systemRuntime())
  })

  it('runs microtasks before macrotasks', async () => {
    const runtime = systemRuntime()
    const ran: string[] = []

    await new Promise<void>(resolve => {
      runtime.macrotask(() => {
        ran.push('macrotask')
        resolve()
      })
      runtime.microtask(() => ran.push('microtask'))
      ran.push('turn')
    })

    expect(ran).toEqual(['turn', 'microtask', 'macrotask'])
  })

  it('has a clock that never goes back', () => {
    const { scheduler } = systemRuntime()
    const times = Array.from({ length: 1000 }, () => scheduler.now())

    expect(times).toEqual(times.toSorted((a, b) => a - b))
  })

  it('makes ids of 32 hex digits', () => {
    const ids = Array.from({ length: 100 }, () => systemRuntime().id())

    expect(new Set(ids).size).toBe(100)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/)
  })
})
