import { describe, expect, it } from 'vitest'
import { Clock, runtimeOn, Timeline } from '../../../src/testing/simulator/timeline.js'

function newTimeline(): Timeline {
  return new Timeline({
    happened: () => {},
    threw: (_, error) => {
      throw error
    },
  })
}

const never = (): boolean => false

describe('Timeline', () => {
  it('runs events by time, then as they were scheduled', () => {
    const timeline = newTimeline()
    const clock = new Clock(timeline, 'a', 0)
    const ran: string[] = []

    for (const [name, delay] of [
      ['late', 20],
      ['first', 10],
      ['second', 10],
      ['now', 0],
    ] as const) {
      clock.schedule(() => ran.push(`${name} ${timeline.now}`), delay)
    }
    timeline.run(100, never)

    expect(ran).toEqual(['now 0', 'first 10', 'second 10', 'late 20'])
    expect(timeline.now).toBe(100)
  })

  it('leaves what is due later for the next run', () => {
    const timeline = newTimeline()
    const ran: number[] = []
    new Clock(timeline, 'a', 0).schedule(() => ran.push(timeline.now), 50)

    timeline.run(49, never)

    expect([ran, timeline.pending]).toEqual([[], 1])
  })

  it('makes events wait for a process that is slow', () => {
    const timeline = newTimeline()
    const [slow, quick] = [new Clock(timeline, 'slow', 0), new Clock(timeline, 'quick', 0)]
    const ran: string[] = []
    slow.turnMs = 5

    for (let event = 0; event < 3; event++) {
      for (const clock of [slow, quick]) clock.schedule(() => ran.push(`${clock.name} ${timeline.now}`), event)
    }
    timeline.run(100, never)

    expect(ran).toEqual(['slow 0', 'quick 0', 'quick 1', 'quick 2', 'slow 5', 'slow 10'])
  })

  it('runs micro-tasks before the next event', () => {
    const timeline = newTimeline()
    const clock = new Clock(timeline, 'a', 0)
    const runtime = runtimeOn(timeline, clock, 1)
    const ran: string[] = []

    clock.schedule(() => {
      runtime.macrotask(() => ran.push('macrotask'))
      runtime.microtask(() => ran.push('microtask'))
      ran.push('event')
    })
    timeline.run(1, never)

    expect(ran).toEqual(['event', 'microtask', 'macrotask'])
  })

  it('runs nothing of a process that has ended', () => {
    const timeline = newTimeline()
    const clock = new Clock(timeline, 'a', 0)
    let ran = 0
    clock.schedule(() => void (clock.isLive = false), 1)
    clock.schedule(() => ran++, 1)

    timeline.run(10, never)

    expect([ran, timeline.events]).toEqual([0, 1])
  })
})
