import { right } from 'fp-ts/lib/Either.js'
import { type Codec, json } from 'millrace/codec'
import { msgpack } from 'millrace/codec/msgpack'
import { pack, unpack } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import {
  type CodecFactory,
  codecChecks,
  runCheck,
  type SampleName,
  structuredSamples,
} from 'millrace/testing/compliance'

const kept: readonly SampleName[] = [...structuredSamples, 'string with half a surrogate pair']

/** msgpackr without anything around it. */
const rawMsgpackr: CodecFactory = () => ({
  contentType: 'application/msgpack',
  encode: (value, reserve) => Buffer.concat([Buffer.alloc(reserve), pack(value)]),
  decode: bytes => right(unpack(bytes) as unknown),
  decodeUnsafe: (bytes, start, end) => unpack(bytes.subarray(start, end)) as unknown,
})

/** The `json` codec with parts of it replaced. */
const broken =
  (change: (codec: Codec) => Partial<Codec>): CodecFactory =>
  limits => {
    const codec = json(limits)
    return {
      contentType: codec.contentType,
      encode: (value, reserve) => codec.encode(value, reserve),
      decode: bytes => codec.decode(bytes),
      decodeUnsafe: (bytes, start, end) => codec.decodeUnsafe(bytes, start, end),
      ...change(codec),
    }
  }

async function failures(codec: CodecFactory, keeps: readonly SampleName[] = kept): Promise<string[]> {
  const failed: string[] = []
  for (const check of codecChecks(keeps)) await runCheck(check, { codec }).catch(() => failed.push(check.title))
  return failed
}

describe('codecChecks', () => {
  it('pass a sound codec', async () => {
    expect(await failures(json)).toEqual([])
  })

  it('catch msgpackr as it is', async () => {
    expect(await failures(rawMsgpackr)).toEqual(
      expect.arrayContaining([
        'keeps: negative zero',
        'refuses: Map',
        'refuses: class instance',
        'refuses: object with __proto__ field',
        'answers any bytes with a value or an error',
        'accepts maxDepth and refuses one more',
        'refuses a cycle and names where it closes',
      ]),
    )
  })

  it('catch JSON as it is', async () => {
    const raw = broken(() => ({ encode: (value, reserve) => Buffer.from(' '.repeat(reserve) + JSON.stringify(value)) }))

    expect(await failures(raw)).toEqual(
      expect.arrayContaining(['keeps: negative zero', 'refuses: NaN', 'refuses: Date', 'refuses: sparse array']),
    )
  })

  it('catch a codec that forgets the reserved room', async () => {
    expect(await failures(broken(codec => ({ encode: value => codec.encode(value, 0) })))).toContain(
      'leaves the reserved room in front',
    )
  })

  it('catch a codec that reuses its buffer', async () => {
    const shared = new Uint8Array(65_536)
    const reuses = broken(codec => ({
      encode: (value, reserve) => {
        const bytes = codec.encode(value, reserve)
        shared.set(bytes.subarray(0, shared.length))
        return shared.subarray(0, bytes.length)
      },
    }))

    expect(await failures(reuses)).toContain('never overwrites what it encoded before')
  })

  it('catch a codec that ignores start and end', async () => {
    const ignores = broken(codec => ({ decodeUnsafe: bytes => codec.decodeUnsafe(bytes, 0, bytes.length) }))

    expect(await failures(ignores)).toContain('reads nothing outside of start and end')
  })

  it('catch a codec that throws from decode', async () => {
    const throws = broken(codec => ({ decode: bytes => right(codec.decodeUnsafe(bytes, 0, bytes.length)) }))

    expect(await failures(throws)).toEqual(
      expect.arrayContaining([
        'answers any bytes with a value or an error',
        'answers damaged encodings with a value or an error',
      ]),
    )
  })

  it('catch a codec without limits', async () => {
    expect(await failures(() => json())).toEqual([
      'accepts maxBytes and refuses one more',
      'accepts maxDepth and refuses one more',
      'accepts maxItems and refuses one more',
      'refuses shared parts that multiply beyond the limits',
    ])
  })

  it('catch a codec that keeps less than it says', async () => {
    expect(await failures(msgpack, [...kept, 'Map'])).toEqual(
      expect.arrayContaining(['keeps: Map', 'keeps: string with half a surrogate pair', 'refuses: NaN']),
    )
  })
})
