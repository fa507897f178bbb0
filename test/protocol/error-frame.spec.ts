import { RpcError, type Code, type RpcErrorOptions } from 'millrace/core'
import { throwError } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { first } from '../support/first.js'
import { readFrame } from '../support/raw-frame.js'
import { record } from '../support/recording.js'
import { answering, single, VirtualWire } from '../support/virtual-wire.js'

/** What a caller gets of an error that a handler failed with, and the frame that carried it. */
function crossed(error: unknown): RpcError {
  const wire = new VirtualWire()
  wire.serve(answering({ fails: () => throwError(() => error) }))
  const reply = record(wire.connect().connection.call(single('unary', 'fails')))
  wire.advance(0)
  return reply.error as RpcError
}

function frameOf(error: unknown): ReturnType<typeof readFrame> {
  const wire = new VirtualWire()
  wire.serve(answering({ fails: () => throwError(() => error) }))
  const peer = wire.rawClient()
  peer.request('REQUEST_RESPONSE', 1, 'fails')
  wire.advance(0)
  return readFrame(first(peer.received))
}

function read(word: number, data: string): RpcError {
  const wire = new VirtualWire()
  const { connection, peer } = wire.rawServer()
  const reply = record(connection.call(single('unary', 'fails')))
  peer.send({ type: 'ERROR', id: 1, word, data })
  wire.advance(0)
  return reply.error as RpcError
}

const cyclic: { self?: unknown } = {}
cyclic.self = cyclic

describe('an error on the wire', () => {
  it('arrives whole', () => {
    const error = new RpcError('ABORTED', 'ein Fehler 🙂', {
      reason: 'conflict',
      details: { a: [1, { b: null }], ü: 'ü' },
      retry: { safe: false, afterMs: 250 },
      hops: [{ service: 'a', endpoint: 'a.b' }],
      cause: new RpcError('DATA_LOSS', 'inner', { cause: new TypeError('innermost') }),
    })

    expect(crossed(error).toJSON()).toEqual(error.toJSON())
  })

  it('of any thrown value is INTERNAL with its text', () => {
    const errors = [new TypeError('a'), 'b', { c: 1 }, undefined].map(crossed)

    expect(errors.map(({ code, rawMessage }) => `${code} ${rawMessage}`)).toEqual([
      'INTERNAL a',
      'INTERNAL b',
      'INTERNAL {"c":1}',
      'INTERNAL undefined',
    ])
  })

  it.each<[number, Code, RpcErrorOptions]>([
    [0x202, 'UNAVAILABLE', { retry: { safe: true } }],
    [0x203, 'CANCELLED', {}],
    [0x204, 'INVALID_ARGUMENT', {}],
    [0x204, 'UNIMPLEMENTED', {}],
    [0x201, 'INTERNAL', {}],
  ])('has the foreign code %i for %s', (word, code, options) => {
    expect(frameOf(new RpcError(code, 'a', options)).word).toBe(word)
  })

  it.each([
    ['too long details', { details: 'x'.repeat(20_000) }],
    ['a long chain of causes', { cause: new RpcError('ABORTED', 'b', { cause: new Error('c'.repeat(20_000)) }) }],
    ['details that have no end', { details: cyclic as never }],
    ['details that are no JSON', { details: { a: 1n } as never }],
  ])('fits a frame with %s', (_, options) => {
    const error = new RpcError('ABORTED', 'two at once', { reason: 'conflict', retry: { safe: true }, ...options })

    const { code, reason, rawMessage, retry } = crossed(error)

    expect([code, reason, retry.safe, rawMessage.slice(0, 11)]).toEqual(['ABORTED', 'conflict', true, 'two at once'])
    expect(frameOf(error).data.length).toBeLessThanOrEqual(16_384)
  })

  it('fits a frame with a message of control characters', () => {
    const error = crossed(new RpcError('ABORTED', '\u0001'.repeat(10_000), { reason: 'conflict' }))

    expect([error.reason, error.rawMessage.slice(0, 2)]).toEqual(['conflict', '\u0001\u0001'])
  })

  it.each([
    [0x202, 'UNAVAILABLE', 'rejected', true],
    [0x203, 'CANCELLED', 'rsocket_error', false],
    [0x204, 'INVALID_ARGUMENT', 'rsocket_error', false],
    [0x201, 'UNKNOWN', 'rsocket_error', false],
  ])('with foreign text and code %i is %s', (word, code, reason, safe) => {
    const error = read(word, 'nope')

    expect(error).toMatchObject({ code, reason, rawMessage: 'nope', retry: { safe }, details: { rsocketCode: word } })
  })

  it.each(['{', '{}', '{"code":"NO_SUCH","message":"a"}', '[1]', 'null', '{"code":"OK","message":1}'])(
    'that looks like ours is text: %s',
    data => {
      expect(read(0x201, data)).toMatchObject({ code: 'UNKNOWN', rawMessage: data })
    },
  )

  it('without text names the code', () => {
    expect(read(0x301, '').rawMessage).toContain('0x301')
  })

  it('that is very long is cut', () => {
    expect(read(0x201, 'x'.repeat(1_000_000)).rawMessage.length).toBeLessThanOrEqual(16_384)
  })

  it('over the limit of the transport is its code alone', () => {
    const wire = new VirtualWire({}, { maxFrameBytes: 150 })
    wire.serve(answering({ fails: () => throwError(() => new RpcError('ABORTED', 'x'.repeat(200))) }))

    const reply = record(wire.connect().connection.call(single('unary', 'fails')))
    wire.advance(0)

    expect(reply.error).toMatchObject({ code: 'UNKNOWN', details: { rsocketCode: 0x201 } })
  })
})
