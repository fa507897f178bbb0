import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RetainedFrames } from '../../src/protocol/rsocket/resume/retained-frames.js'

/** What a {@link RetainedFrames} is to do, the plain way. */
class Model {
  frames: Uint8Array[] = []
  first = 0
  /** Frames that have been sent. */
  read = 0
  sent = 0

  position(count: number): number {
    return this.frames.slice(0, count).reduce((bytes, { length }) => bytes + length, this.first)
  }

  send(): Uint8Array | undefined {
    const frame = this.frames[this.read]
    if (frame !== undefined) this.read++
    this.sent = Math.max(this.sent, this.position(this.read))
    return frame
  }

  release(position: number): void {
    const limit = Math.min(position, this.sent)
    for (
      let frame = this.frames[0];
      frame !== undefined && this.first + frame.length <= limit;
      frame = this.frames[0]
    ) {
      this.frames.shift()
      this.first += frame.length
      this.read = Math.max(0, this.read - 1)
    }
  }
}

/** A {@link RetainedFrames} beside its model: both do the same. */
class Pair {
  readonly model = new Model()
  readonly retained = new RetainedFrames()
  private written = 0

  hold(length: number): void {
    const frame = this.frame(length)
    this.model.frames.push(frame)
    this.retained.write(length, (target, offset) => target.set(frame, offset))
    this.retained.commit()
  }

  sendNew(length: number): void {
    if (this.retained.behind) return
    const frame = this.frame(length)
    this.model.frames.push(frame)
    this.model.send()
    this.retained.append(Uint8Array.of(1, 2, ...frame, 3), 2, length)
  }

  sendNext(): void {
    const expected = this.model.send()
    if (expected === undefined) return
    let sent: Uint8Array | undefined
    this.retained.sendNext((length, write) => {
      sent = new Uint8Array(length)
      write(sent, 0)
      return true
    })
    expect(sent && Buffer.compare(sent, expected)).toBe(0)
  }

  release(part: number): void {
    const position =
      this.model.first + Math.round(part * (this.model.position(this.model.frames.length) - this.model.first))
    this.model.release(position)
    this.retained.release(position)
  }

  rewind(): void {
    this.model.read = 0
    this.retained.rewind()
  }

  check(): void {
    const { model, retained } = this
    const { frames, first, sent } = model
    expect(retained).toMatchObject({
      first,
      sent,
      end: model.position(frames.length),
      read: model.position(model.read),
    })
    expect(retained.behind).toBe(model.read < frames.length)
    expect(retained.bytes).toBe(frames.reduce((bytes, { length }) => bytes + length + 3, 0))
    for (const position of [first - 1, first, first + 1, sent, sent + 1, retained.end])
      expect([position, retained.isBoundary(position)]).toEqual([
        position,
        position <= sent && this.isBoundary(position),
      ])
  }

  private isBoundary(position: number): boolean {
    return (
      this.model.frames.some((_, index) => this.model.position(index) === position) ||
      position === this.model.position(this.model.frames.length)
    )
  }

  private frame(length: number): Uint8Array {
    return new Uint8Array(length).fill(++this.written)
  }
}

describe('RetainedFrames', () => {
  it('is a list of frames and a place in it', () => {
    const size = fc.oneof(fc.integer({ min: 6, max: 40 }), fc.integer({ min: 1000, max: 9000 }), fc.constant(70_000))
    const step = fc.oneof(
      size.map(length => (pair: Pair) => pair.hold(length)),
      size.map(length => (pair: Pair) => pair.sendNew(length)),
      fc.constant((pair: Pair) => pair.sendNext()),
      fc.double({ min: 0, max: 1.2, noNaN: true }).map(part => (pair: Pair) => pair.release(part)),
      fc.constant((pair: Pair) => pair.rewind()),
    )

    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), steps => {
        const pair = new Pair()
        for (const run of steps) {
          run(pair)
          pair.check()
        }
      }),
      { numRuns: 60, seed: 3 },
    )
  })
})
