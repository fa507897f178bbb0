import assert from 'node:assert/strict'
import { isLeft } from 'fp-ts/lib/Either.js'
import type { Codec } from '../../../codec/index.js'
import { RpcError } from '../../../core/index.js'
import { assertRefuses, overCodec, roundTrip, type CodecCheck } from './codec-check.js'
import { drawBytes, drawJson, drawing } from './drawing.js'

/** What a codec makes of values and bytes that nobody thought of: the same ones in every run. */
export const damage: readonly CodecCheck[] = [
  overCodec(
    'keeps every value of JSON',
    codec => {
      const own = codec()
      const draw = drawing()

      for (let size = 0; size < 200; size++) {
        const value = drawJson(draw, size)

        assert.deepEqual(roundTrip(own, value), value)
      }
    },
    'structures',
  ),
  overCodec('answers any bytes with a value or an error', codec => {
    const own = codec({ maxBytes: 200 })
    const draw = drawing()

    for (let count = 0; count < 1000; count++) assertAnswers(own, drawBytes(draw, draw(220)))
  }),
  overCodec(
    'answers damaged encodings with a value or an error',
    codec => {
      const own = codec()
      const draw = drawing()

      for (let size = 0; size < 1000; size++) {
        const bytes = own.encode(drawJson(draw, size % 100), 0)
        for (let changes = 1 + draw(4); changes > 0; changes--) bytes[draw(bytes.length)] = draw(256)
        assertAnswers(own, bytes.subarray(0, Math.max(0, bytes.length - draw(4))))
      }
    },
    'structures',
  ),
  overCodec(
    'refuses every truncated encoding',
    codec => {
      const own = codec()
      const bytes = own.encode({ text: 'some text', list: [1.5, 'ü', [], { deep: true }] }, 0)

      for (let end = 0; end < bytes.length; end++) assertRefuses(() => own.decodeUnsafe(bytes, 0, end), 'not_decodable')
    },
    'structures',
  ),
  overCodec(
    'refuses bytes after the value',
    codec => {
      const own = codec()
      const bytes = own.encode([1], 0)

      assertRefuses(() => own.decodeUnsafe(Uint8Array.of(...bytes, ...bytes), 0, bytes.length * 2), 'not_decodable')
    },
    'structures',
  ),
]

const REASONS = ['not_decodable', 'too_deep', 'too_large', 'too_many_items']

/** Asserts that a codec gives a plain value that it keeps, or says why there is none. */
function assertAnswers(codec: Codec, bytes: Uint8Array): void {
  const given = `given the bytes ${Buffer.from(bytes).toString('hex')}`
  const result = answerOf(codec, bytes, given)
  if (isLeft(result)) {
    assert.ok(RpcError.is(result.left), `${String(result.left)} is no RpcError, ${given}`)
    assert.ok(REASONS.includes(result.left.reason), `${result.left.message}, ${given}`)
  } else {
    assert.ok(isPlain(result.right), `a value that is not plain data, ${given}`)
    assert.deepEqual(roundTrip(codec, result.right), result.right)
  }
}

function answerOf(codec: Codec, bytes: Uint8Array, given: string): ReturnType<Codec['decode']> {
  try {
    return codec.decode(bytes)
  } catch (error) {
    assert.fail(`decode threw ${String(error)}, ${given}`)
  }
}

const PROTOTYPES: readonly unknown[] = [Object.prototype, Array.prototype, Uint8Array.prototype, Date.prototype]

function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (!PROTOTYPES.includes(Object.getPrototypeOf(value))) return false
  return value instanceof Uint8Array || Object.values(value).every(isPlain)
}
