import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameReader } from '../../src/transport/frame-reader.js'

const SIZES: readonly number[] = [0, 1, 2, 300, 0, 70_000, 5]

describe('FrameReader', () => {
  it('finds the same frames wherever the stream is split', () => {
    const sizes = [0, 1, 2, 300, 0, 5]
    const stream = streamOf(sizes)

    for (let at = 0; at <= stream.length; at++) {
      expect(read([stream.subarray(0, at), stream.subarray(at)]).lengths, `split at ${at}`).toEqual(sizes)
    }
  })

  it('finds the same frames byte by byte', () => {
    const stream = streamOf(SIZES)

    const { frames, lengths } = read(Array.from(stream, (_, index) => stream.subarray(index, index + 1)))

    expect(lengths).toEqual(SIZES)
    expect(Buffer.compare(streamOf(frames), stream)).toBe(0)
  })

  it('finds what was written, for any frames and chunks', () => {
    const frames = fc.array(fc.uint8Array({ maxLength: 200, size: 'max' }), { maxLength: 30 })
    const cuts = fc.array(fc.nat(4000), { maxLength: 40 })

    fc.assert(
      fc.property(frames, cuts, (written, at) => {
        const stream = streamOf(written)
        const edges = [0, ...at.filter(cut => cut < stream.length).toSorted((a, b) => a - b), stream.length]
        const chunks = edges.slice(1).map((edge, index) => stream.subarray(edges[index], edge))

        expect(read(chunks).frames).toEqual(written)
      }),
      { seed: 20261122, numRuns: 300 },
    )
  })

  it('refuses a frame above the limit by its length alone', () => {
    expect(read([Uint8Array.of(0, 0x03, 0xe9)], 1000).oversized).toEqual([1001])
    expect(read([Uint8Array.of(0, 0x03), Uint8Array.of(0xe9)], 1000).oversized).toEqual([1001])
  })

  it('refuses a frame above the limit that has come whole', () => {
    const { lengths, oversized } = read([streamOf([1000, 1001, 5])], 1000)

    expect(lengths).toEqual([1000])
    expect(oversized).toEqual([1001])
  })

  it('reads on after a frame of exactly the limit', () => {
    expect(read([streamOf([1000, 4])], 1000).lengths).toEqual([1000, 4])
  })

  it('reads nothing behind a refused frame', () => {
    const stream = Buffer.concat([streamOf([3]), Uint8Array.of(0xff, 0xff, 0xff), streamOf([3])])

    expect(read([stream, streamOf([3])], 1000).lengths).toEqual([3])
  })

  it('stops within a chunk when the sink wants no more', () => {
    const lengths: number[] = []
    const reader = new FrameReader(1000, {
      frame: ({ start, end }) => lengths.push(end - start) < 2,
      oversized: () => {},
    })

    reader.read(streamOf([1, 2, 3, 4]))

    expect(lengths).toEqual([1, 2])
  })

  it('does not allocate what is only announced', () => {
    const before = process.memoryUsage().arrayBuffers
    const readers = Array.from({ length: 100 }, () => new FrameReader(0xff_ffff, { frame: () => true, oversized() {} }))

    for (const reader of readers) reader.read(Uint8Array.of(0xff, 0xff, 0xff, 1))

    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100 * 100_000)
    expect(readers[0]?.unfinished).toBe('1 of 16777215 bytes of a frame')
  })

  it('tells what is missing', () => {
    const reader = new FrameReader(1000, { frame: () => true, oversized: () => {} })

    expect(reader.unfinished).toBeUndefined()
    reader.read(Uint8Array.of(0, 0))
    expect(reader.unfinished).toBe("2 of 3 bytes of a frame's length")
    reader.read(Uint8Array.of(4, 1))
    expect(reader.unfinished).toBe('1 of 4 bytes of a frame')
    reader.read(Uint8Array.of(2, 3, 4))
    expect(reader.unfinished).toBeUndefined()
  })
})

/** The frames as they lie on the wire; a number stands for a frame of so many bytes. */
function streamOf(frames: readonly (number | Uint8Array)[]): Uint8Array {
  const parts = frames.map(frame => {
    const body = typeof frame === 'number' ? Buffer.alloc(frame, frame & 0xff) : frame
    const prefix = Uint8Array.of(body.length >>> 16, (body.length >>> 8) & 0xff, body.length & 0xff)
    return Buffer.concat([prefix, body])
  })
  return new Uint8Array(Buffer.concat(parts))
}

function read(
  chunks: readonly Uint8Array[],
  maxFrameBytes = 100_000,
): { frames: Uint8Array[]; lengths: number[]; oversized: number[] } {
  const frames: Uint8Array[] = []
  const oversized: number[] = []
  const reader = new FrameReader(maxFrameBytes, {
    frame: ({ bytes, start, end }) => {
      frames.push(bytes.slice(start, end))
      return true
    },
    oversized: length => oversized.push(length),
  })
  for (const chunk of chunks) {
    if (oversized.length === 0) reader.read(chunk)
  }
  return { frames, lengths: frames.map(({ length }) => length), oversized }
}
