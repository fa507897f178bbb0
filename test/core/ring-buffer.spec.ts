import * as fc from 'fast-check'
import { RingBuffer } from 'millrace/core'
import { describe, expect, it } from 'vitest'

describe('RingBuffer', () => {
  it('is empty at first', () => {
    const ring = new RingBuffer<number>()

    expect([ring.length, ring.shift(), ring.pop(), ring.peek(), ring.length]).toEqual([0, ...Array(3), 0])
  })

  it('does what an array does', () => {
    const operation = fc.constantFrom('push', 'push', 'push', 'shift', 'pop', 'peek')
    const agrees = fc.property(fc.array(operation, { maxLength: 300, size: 'max' }), operations => {
      const ring = new RingBuffer<number>()
      const model: number[] = []
      operations.forEach((name, index) => {
        if (name === 'push') {
          ring.push(index)
          model.push(index)
        } else if (name === 'peek') expect(ring.peek()).toBe(model[0])
        else expect(ring[name]()).toBe(model[name]())
        expect(ring.length).toBe(model.length)
      })
    })

    fc.assert(agrees, { seed: 5, numRuns: 50 })
  })

  it('keeps order while it grows around its end', () => {
    const ring = new RingBuffer<number>()
    const out: number[] = []
    let next = 0

    for (let round = 0; round < 100; round++) {
      for (let push = 0; push < 7; push++) ring.push(next++)
      for (let take = 0; take < 5; take++) out.push(ring.shift() as number)
    }
    while (ring.length > 0) out.push(ring.shift() as number)

    expect(out).toEqual(Array.from({ length: 700 }, (_, index) => index))
  })

  it.each([15, 16, 31, 32])('holds %i items across its boundary', count => {
    const ring = new RingBuffer<number>()
    ring.push(-1)
    ring.shift()

    for (let item = 0; item < count; item++) ring.push(item)

    expect(ring.length).toBe(count)
    expect(Array.from({ length: count }, () => ring.shift())).toEqual(Array.from({ length: count }, (_, item) => item))
  })

  it('keeps undefined as an item', () => {
    const ring = new RingBuffer<undefined>()

    ring.push(undefined)

    expect(ring.length).toBe(1)
  })

  it('retains no item that was taken', () => {
    const ring = new RingBuffer<object>()
    for (let item = 0; item < 10; item++) ring.push({})

    while (ring.length > 5) ring.shift()
    while (ring.length > 0) ring.pop()

    const { items } = ring as unknown as { items: unknown[] }
    expect(items.every(item => item === undefined)).toBe(true)
  })
})
