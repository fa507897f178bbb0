import { memoryTransport, type Socket } from 'millrace/transport'
import { seededRuntime } from 'millrace/core'
import { VirtualTimeScheduler } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { FrameSender } from '../../src/protocol/rsocket/frame-sender.js'
import { NONE, readU16, readU24, readU32, writeU24, writeU32 } from '../../src/protocol/rsocket/frame.js'
import { frameBytes, fromHex, readFrame, types, type FrameParts } from '../support/raw-frame.js'

const utf8 = new TextEncoder()

/** Frames of an independent implementation, checked by hand against the specification; lengths left out. */
const golden: { readonly [what: string]: readonly [string, FrameParts] } = {
  'KEEPALIVE that asks': [
    '000000000c8000000000000000006b61',
    { type: 'KEEPALIVE', flags: 'R', data: `${'\0'.repeat(8)}ka` },
  ],
  REQUEST_RESPONSE: ['0000000110006869', { type: 'REQUEST_RESPONSE', id: 1, data: 'hi' }],
  'REQUEST_RESPONSE with metadata': [
    '0000000111000000026d316869',
    { type: 'REQUEST_RESPONSE', id: 1, metadata: utf8.encode('m1'), data: 'hi' },
  ],
  REQUEST_FNF: ['00000003140066', { type: 'REQUEST_FNF', id: 3, data: 'f' }],
  REQUEST_STREAM: ['0000000518000000010073', { type: 'REQUEST_STREAM', id: 5, word: 256, data: 's' }],
  'REQUEST_CHANNEL that completes': [
    '000000071c407fffffff63',
    { type: 'REQUEST_CHANNEL', id: 7, flags: 'C', word: 0x7fff_ffff, data: 'c' },
  ],
  REQUEST_N: ['000000052000000000c0', { type: 'REQUEST_N', id: 5, word: 192 }],
  CANCEL: ['000000052400', { type: 'CANCEL', id: 5 }],
  'PAYLOAD, last item': ['0000000128606f6b', { type: 'PAYLOAD', id: 1, flags: 'NC', data: 'ok' }],
  'PAYLOAD, empty item': ['000000052820', { type: 'PAYLOAD', id: 5, flags: 'N' }],
  'PAYLOAD, end': ['000000052840', { type: 'PAYLOAD', id: 5, flags: 'C' }],
  ERROR: ['000000012c0000000201626f6f6d', { type: 'ERROR', id: 1, word: 0x201, data: 'boom' }],
  'ERROR of the connection': ['000000002c0000000001626164', { type: 'ERROR', word: 1, data: 'bad' }],
}

const flagBits = { N: 0x20, C: 0x40, R: 0x80 } as const

describe('FrameSender', () => {
  it.each(Object.entries(golden))('writes the golden %s', (_, [hex, parts]) => {
    const { sender, frames } = connected()
    const { type, id = 0, flags = '', word = NONE, metadata, data } = parts
    const bits = Array.from(flags).reduce((all, letter) => all | flagBits[letter as keyof typeof flagBits], 0)
    const bytes = typeof data === 'string' ? utf8.encode(data) : undefined

    sender.send(id, types[type as keyof typeof types], bits, word, metadata, bytes)

    expect(frames()).toEqual([fromHex(hex)])
  })

  it('keeps no metadata and empty metadata apart', () => {
    const { sender, frames } = connected()

    sender.send(1, types.PAYLOAD, flagBits.N, NONE, undefined, undefined)
    sender.send(1, types.PAYLOAD, flagBits.N, NONE, new Uint8Array(0), undefined)

    expect(frames().map(frame => readFrame(frame).metadata)).toEqual([undefined, new Uint8Array(0)])
  })

  it('counts what waits until the socket has drained', () => {
    const { sender } = connected()
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

describe('frames written by hand', () => {
  it.each(Object.entries(golden))('are the golden %s', (_, [hex, parts]) => {
    expect(frameBytes(parts)).toEqual(fromHex(hex))
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

/** A sender over a memory link, and the frames that come out at its other end. */
function connected(): { sender: FrameSender; frames: () => Uint8Array[] } {
  const scheduler = new VirtualTimeScheduler()
  const transport = memoryTransport({ runtime: seededRuntime({ scheduler, seed: 1 }), highWaterMarkBytes: 100 })
  const frames: Uint8Array[] = []
  let socket: Socket | undefined
  transport
    .listen('memory:a')
    .subscribe(({ sockets }) =>
      sockets.subscribe(({ inbound }) =>
        inbound.subscribe(({ bytes, start, end }) => frames.push(bytes.slice(start, end))),
      ),
    )
  scheduler.flush()
  transport.dial('memory:a').subscribe(dialled => (socket = dialled))
  scheduler.flush()
  return {
    sender: new FrameSender(socket as unknown as Socket, 1000, () => {}),
    frames: () => {
      scheduler.flush()
      return frames
    },
  }
}
