import assert from 'node:assert/strict'
import type { Codec } from '../../../codec/index.js'
import { assertRefuses, overCodec, roundTrip, type CodecCheck } from './codec-check.js'
import { samples, type SampleName } from './samples.js'

/** That a codec keeps the samples in `keeps` and refuses all others. */
export function sampleChecks(keeps: readonly SampleName[]): readonly CodecCheck[] {
  const nests = keeps.includes('object')
  return (Object.keys(samples) as SampleName[]).map(name =>
    keeps.includes(name)
      ? overCodec(`keeps: ${name}`, codec => assertKeeps(codec(), name))
      : overCodec(`refuses: ${name}`, codec => {
          assertRefuses(() => codec().encode(samples[name].make(), 0), 'not_encodable', '$')
          if (nests) assertRefusesWithin(codec(), name)
        }),
  )
}

function assertKeeps(codec: Codec, name: SampleName): void {
  const { make, arrives = make() } = samples[name]

  const arrived = roundTrip(codec, make())

  // A field of `undefined` may arrive as an absent one.
  const asFields = (value: unknown): unknown =>
    name === 'object with undefined' ? { ...(value as object), a: 0 } : value
  assert.deepEqual(asFields(arrived), asFields(arrives))
}

function assertRefusesWithin(codec: Codec, name: SampleName): void {
  const value = samples[name].make()
  const path = name === 'object with __proto__ field' ? '$.items[3].when.__proto__:' : '$.items[3].when'
  assertRefuses(() => codec.encode({ items: [0, 1, 2, { when: value }] }, 0), 'not_encodable', path)
}
