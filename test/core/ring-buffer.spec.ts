import { RingBuffer } from 'millrace/core'
import { describe, expect, it } from 'vitest'

describe('RingBuffer', () => {
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
})
