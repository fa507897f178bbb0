import assert from 'node:assert/strict'
import { foreignError } from '../foreign-error.js'
import { assertRefuses, overCodec, roundTrip, type CodecCheck } from './codec-check.js'

/** What a codec makes of nesting: limits, cycles, getters. */
export const structures: readonly CodecCheck[] = [
  overCodec(
    'accepts maxDepth and refuses one more',
    codec => {
      const own = codec({ maxDepth: 3 })
      const deep = codec().encode([{ a: [[]] }], 0)

      assert.deepEqual(roundTrip(own, [{ a: [] }, {}, [], [[]], {}]), [{ a: [] }, {}, [], [[]], {}])
      assertRefuses(() => own.encode([{ a: [[]] }], 0), 'too_deep')
      assertRefuses(() => own.decodeUnsafe(deep, 0, deep.length), 'too_deep')
    },
    'structures',
  ),
  overCodec(
    'accepts maxItems and refuses one more',
    codec => {
      const own = codec({ maxItems: 5 })
      const many = codec().encode({ a: [1, 'x,y', [], {}], b: 0 }, 0)

      assert.deepEqual(roundTrip(own, { a: [1, 'x,y', [], {}] }), { a: [1, 'x,y', [], {}] })
      assertRefuses(() => own.encode({ a: [1, 'x,y', [], {}], b: 0 }, 0), 'too_many_items')
      assertRefuses(() => own.decodeUnsafe(many, 0, many.length), 'too_many_items')
    },
    'structures',
  ),
  overCodec(
    'refuses a cycle and names where it closes',
    codec => {
      const parent: { children: unknown[] } = { children: [1] }
      parent.children.push({ parent })

      assertRefuses(() => codec().encode({ parent }, 0), 'not_encodable', '$.parent.children[1].parent:')
    },
    'structures',
  ),
  overCodec(
    'refuses shared parts that multiply beyond the limits',
    codec => {
      let value: unknown = 0
      for (let level = 0; level < 14; level++) value = [value, value]
      const long = Array.from({ length: 100 }, () => 'x'.repeat(1000))

      assertRefuses(() => codec({ maxItems: 1000 }).encode(value, 0), 'too_many_items')
      assertRefuses(() => codec({ maxBytes: 10_000 }).encode(long, 0), 'too_large')
    },
    'structures',
  ),
  overCodec(
    'refuses a value whose getter throws',
    codec => {
      const value = {
        get boom(): number {
          throw foreignError('from the getter')
        },
      }

      assertRefuses(() => codec().encode(value, 0), 'not_encodable')
    },
    'structures',
  ),
]
