import { describe, expect, it } from 'vitest'
import { NONE, readU16, readU24, readU32, writeU24, writeU32 } from '../../src/protocol/rsocket/frame.js'
import { flagBits, readFrame, types } from '../support/raw-frame.js'
import { sending } from '../support/sending.js'

describe('FrameSender', () => {
  it('keeps no metadata and empty metadata apart', () => {
    const { sender, frames } = sending()

    sender.send(1, types.PAYLOAD, flagBits.N, NONE, undefined, undefined)
    sender.send(1, types.PAYLOAD, flagBits.N, NONE, new Uint8Array(0), undefined)

    expect(frames().map(frame => readFrame(frame).metadata)).toEqual([undefined, new Uint8Array(0)])
  })

  it('counts what waits until the socket has drained', () => {
    const { sender } = sending()
    sender.send(1, types.PAYLOAD, 0, NONE, undefined, new Uint8Array(20))
    const before = [sender.ready, sender.overcommittedBytes]

    sender.send(1, types.PAYLOAD, 0, NONE, undefined, new Uint8Array(200))
    const full = [sender.ready, sender.overcommittedBytes]
    sender.drained()

    expect([before, full, [sender.ready, sender.overcommittedBytes]]).toEqual([
      [true, 0],
      [false, 206],
      [true, 0],
    ])
  })
})

describe('integers', () => {
  it.each([0, 1, 0x7f, 0x80, 0xff_ffff])('of 24 bits: %i', value => {
    const bytes = new Uint8Array(5)

    writeU24(bytes, 1, value)

    expect(readU24(bytes, 1)).toBe(value)
    expect([bytes[0], bytes[4]]).toEqual([0, 0])
  })

  it.each([0, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff])('of 32 bits: %i', value => {
    const bytes = new Uint8Array(6)

    writeU32(bytes, 1, value)

    expect(readU32(bytes, 1)).toBe(value)
    expect(readU16(bytes, 1)).toBe(value >>> 16)
  })
})
