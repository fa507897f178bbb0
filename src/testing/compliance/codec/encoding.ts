import assert from 'node:assert/strict'
import { isRight } from 'fp-ts/lib/Either.js'
import { assertRefuses, overCodec, type CodecCheck } from './codec-check.js'
import type { SampleName } from './samples.js'

/** How a codec treats bytes; tried with values that one with these samples keeps. */
export function encodingChecks(keeps: readonly SampleName[]): readonly CodecCheck[] {
  const { kept, other } = keptBy(keeps)
  return [
    overCodec('has a MIME type', codec => assert.match(codec().contentType, /^[a-z]+\/[a-z.+-]+$/)),
    overCodec('refuses undefined as the whole value', codec =>
      assertRefuses(() => codec().encode(undefined, 0), 'not_encodable'),
    ),
    overCodec('leaves the reserved room in front', codec => {
      const own = codec()
      for (const reserve of [0, 1, 9, 255]) {
        const bytes = own.encode(kept, reserve)

        assert.deepEqual(own.decodeUnsafe(bytes, reserve, bytes.length), kept)
      }
    }),
    overCodec('never overwrites what it encoded before', codec => {
      const own = codec()
      const first = own.encode(kept, 9)
      const copy = first.slice()

      for (let count = 0; count < 2000; count++) own.encode(other, 9).fill(0xee)

      assert.deepEqual(Uint8Array.from(first), Uint8Array.from(copy))
    }),
    overCodec('reads nothing outside of start and end', codec => {
      const own = codec()
      const bytes = own.encode(kept, 0)
      const within = new Uint8Array(bytes.length + 20).fill(0x31)
      within.set(bytes, 10)

      assert.deepEqual(own.decodeUnsafe(within, 10, 10 + bytes.length), kept)
    }),
    overCodec('decodes a Buffer to the same plain data', codec => {
      const own = codec()

      const result = own.decode(Buffer.from(own.encode(kept, 0)))

      assert.deepEqual(isRight(result) && result.right, kept)
    }),
    overCodec('accepts maxBytes and refuses one more', codec => {
      const bytes = codec().encode(kept, 0)
      const { length } = bytes

      assert.equal(codec({ maxBytes: length }).encode(kept, 9).length, length + 9)
      assert.deepEqual(codec({ maxBytes: length }).decodeUnsafe(bytes, 0, length), kept)
      assertRefuses(() => codec({ maxBytes: length - 1 }).encode(kept, 9), 'too_large')
      assertRefuses(() => codec({ maxBytes: length - 1 }).decodeUnsafe(bytes, 0, length), 'too_large')
    }),
  ]
}

/** Two values of one shape that a codec keeps: with structure where it can. */
function keptBy(keeps: readonly SampleName[]): { readonly kept: unknown; readonly other: unknown } {
  if (keeps.includes('object')) {
    return { kept: { text: 'some text', list: [1, 2, 3] }, other: { text: 'other text', list: [4, 5, 6] } }
  }
  if (keeps.includes('string')) return { kept: 'some text', other: 'any text.' }
  const bytes = Uint8Array.from({ length: 64 }, (_, index) => index)
  return { kept: bytes, other: bytes.map(byte => byte ^ 0xff) }
}
