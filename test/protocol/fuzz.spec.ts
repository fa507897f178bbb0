import { messageOf, seededRuntime } from 'millrace/core'
import type { StreamingCall } from 'millrace/protocol'
import { paced } from 'millrace/streams'
import { concat, EMPTY, NEVER, of, throwError, VirtualTimeScheduler } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { first } from '../support/first.js'
import { frameBytes, joined, types, u32, type TypeName } from '../support/raw-frame.js'
import { routeMetadata, setupFrame, type RawPeer } from '../support/raw-peer.js'
import { record } from '../support/recording.js'
import { answering, bodiesOf, single, streaming, VirtualWire } from '../support/virtual-wire.js'

const seed = 20_261
const { random } = seededRuntime({ scheduler: new VirtualTimeScheduler(), seed })

const below = (limit: number): number => Math.floor(random() * limit)
const pick = <T>(choices: readonly T[]): T => first(choices.slice(below(choices.length)))
const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => below(256))

const endpoints = ['echo', 'numbers', 'never', 'fails', 'none', 'nowhere']
const handlers = answering({
  echo: (call: StreamingCall) => call.messages ?? of(messageOf(1)),
  numbers: () => paced(Array.from({ length: 20 }, (_, index) => messageOf(index))),
  never: () => NEVER,
  fails: () => throwError(() => new TypeError('on purpose')),
  none: () => EMPTY,
})

/** A frame that a peer could send, with ids of few streams, so that frames meet the streams of others. */
function plausible(): Uint8Array {
  const type = pick(Object.keys(types) as TypeName[])
  const id = below(12)
  const flags = ['', 'N', 'C', 'NC', 'I', 'M', 'F'][below(9)] ?? ''
  const hasWord = ['REQUEST_STREAM', 'REQUEST_CHANNEL', 'REQUEST_N', 'ERROR'].includes(type)
  const isRequest = type.startsWith('REQUEST_') && type !== 'REQUEST_N'
  return frameBytes({
    type,
    id,
    flags,
    ...(hasWord && { word: pick([0, 1, 3, 0x201, 0x7fff_ffff, 0xffff_ffff]) }),
    ...(isRequest && { metadata: routeMetadata(pick(endpoints), pick([0, 0, 8, 16, 24, 4]), below(3)) }),
    data: pick(['', '1', '"a"', '{', '12345678', JSON.stringify('x'.repeat(300))]),
  })
}

function mutated(frame: Uint8Array): Uint8Array {
  const copy = frame.slice()
  for (let count = 1 + below(3); count > 0; count--) copy[below(copy.length)] = below(256)
  return below(4) === 0 ? copy.subarray(0, below(copy.length + 1)) : copy
}

function hostile(): Uint8Array {
  const kind = below(10)
  if (kind === 0) return bytes(below(40))
  if (kind === 1) return joined(u32(below(12)), bytes(2 + below(30)))
  return kind < 6 ? mutated(plausible()) : plausible()
}

/** Sends a well-behaved call of each kind and gives what came back. */
function wellBehaved(wire: VirtualWire, connection: ReturnType<VirtualWire['connect']>['connection']): unknown[] {
  const calls = [
    connection.call(single('unary', 'echo', 1)),
    connection.call(single('serverStream', 'numbers')),
    connection.call(streaming('duplex', 'echo', paced(['a', 'b']))),
  ].map(record)
  wire.advance(0)
  return calls.map(bodiesOf)
}

const expected = [[1], Array.from({ length: 20 }, (_, index) => index), ['a', 'b']]

describe('hostile frames', () => {
  it('harm no other connection of a server', () => {
    const wire = new VirtualWire({ maxStreams: 50 })
    wire.serve(handlers)
    const { connection } = wire.connect()
    let peer: RawPeer | undefined
    let connections = 0

    for (let round = 0; round < 6000; round++) {
      if (peer === undefined || peer.ending !== 'open') {
        peer = wire.rawClient('none')
        connections++
        peer.send(below(20) === 0 ? mutated(setupFrame()) : setupFrame())
      }
      peer.send(hostile())
      if (below(3) === 0) wire.advance(0)
      if (round % 500 === 0) expect(wellBehaved(wire, connection)).toEqual(expected)
    }
    peer?.close()
    wire.advance(0)

    expect(wellBehaved(wire, connection)).toEqual(expected)
    expect(connections).toBeGreaterThan(100)
    for (const each of wire.accepted) expect(each).toHaveProperty('running', 0)
    expect(wire.log.filter(({ event }) => event !== 'connection.failed')).toEqual([])
  })

  it('end every call of a client', () => {
    for (let round = 0; round < 400; round++) {
      const wire = new VirtualWire()
      const { connection, peer } = wire.rawServer({}, handlers)
      const calls = [
        connection.call(single('unary', 'a', 1)),
        connection.call(single('serverStream', 'b')),
        connection.call(streaming('duplex', 'c', concat(of(1, 2, 3), NEVER))),
        connection.call(streaming('clientStream', 'd', of(1))),
      ].map(record)

      for (let count = 0; count < 10; count++) {
        peer.send(hostile())
        if (below(2) === 0) wire.advance(0)
      }
      peer.close()
      wire.advance(0)

      for (const call of calls) expect(call.completed || call.error !== undefined).toBe(true)
      expect(connection).toHaveProperty('running', 0)
      expect(wire.pending).toBe(0)
    }
  })
})
