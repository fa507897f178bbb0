import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { isLeft, isRight } from 'fp-ts/lib/Either.js'
import type { Codec, CodecLimits } from 'millrace/codec'
import { RpcError } from 'millrace/core'
import { describe, it } from 'vitest'

/** Makes a fresh codec. */
export type CodecSetup = (limits?: Partial<CodecLimits>) => Codec

/** What a codec promises beyond the rules that all of them share. */
export interface CodecCapabilities {
  /** The samples that it keeps; every other one it must refuse. */
  readonly keeps: readonly SampleName[]
  /** Whether it keeps arrays and objects; a codec of leaves only reports every fault at `$`. */
  readonly nests: boolean
}

/** One behaviour that every codec shows; `run` throws when it does not. */
export interface CodecCheck {
  readonly title: string
  /** Whether the check needs arrays and objects. */
  readonly nests?: true
  readonly run: (setup: CodecSetup) => void
}

class Order {
  readonly id = 1
}

/** Values that a codec keeps or refuses, never changes; `arrives` is given where the equal value looks different. */
export const samples = {
  null: { make: () => null },
  boolean: { make: () => true },
  string: { make: () => 'naïve 水 🎈 \u0000 \ufeff' },
  'string with byte order mark first': { make: () => `\ufeff${'long enough for another path '.repeat(9)}` },
  'string with half a surrogate pair': { make: () => 'a\ud800b' },
  integer: { make: () => -2_147_483_649 },
  fraction: { make: () => 0.1 },
  'negative zero': { make: () => -0 },
  'negative zero in a structure': { make: () => ({ a: [-0, 0, '-0', { b: -0, c: 1, '': [] }], '-0': null }) },
  NaN: { make: () => NaN },
  Infinity: { make: () => -Infinity },
  bigint: { make: () => -9_223_372_036_854_775_808n },
  'unsigned bigint': { make: () => 18_446_744_073_709_551_615n },
  'bigint of 65 bits': { make: () => 18_446_744_073_709_551_616n },
  array: { make: () => [1, [2, []], 'three'] },
  'sparse array': { make: () => Object.assign([1], { 2: 3 }) },
  'array with undefined': { make: () => [undefined] },
  object: { make: () => ({ a: 1, nested: { b: null }, '': 0, constructor: 'x', hasOwnProperty: 1, toJSON: 2 }) },
  'object with undefined': { make: () => ({ a: undefined, b: 1 }), arrives: { b: 1 } },
  'object without prototype': { make: () => Object.assign(Object.create(null), { a: 1 }), arrives: { a: 1 } },
  'object with __proto__ field': { make: () => JSON.parse('{"__proto__":{"admin":true}}') as unknown },
  Uint8Array: { make: () => Uint8Array.of(0, 127, 128, 255) },
  Buffer: { make: () => Buffer.from('bytes'), arrives: Uint8Array.from(Buffer.from('bytes')) },
  'other typed array': { make: () => Float32Array.of(1.5) },
  ArrayBuffer: { make: () => new ArrayBuffer(4) },
  DataView: { make: () => new DataView(new ArrayBuffer(4)) },
  Date: { make: () => new Date(-1) },
  'invalid Date': { make: () => new Date(NaN) },
  Map: { make: () => new Map([['a', 1]]) },
  Set: { make: () => new Set([1]) },
  Error: { make: () => new Error('boom') },
  RegExp: { make: () => /a/g },
  'class instance': { make: () => new Order() },
  'boxed number': { make: () => Object(1) as unknown },
  symbol: { make: () => Symbol('s') },
  function: { make: () => () => 1 },
} satisfies Record<string, { make: () => unknown; arrives?: unknown }>

/** Names of {@link samples}. */
export type SampleName = keyof typeof samples

/** Samples that every codec with structures keeps. */
export const structuredSamples: readonly SampleName[] = [
  'null',
  'boolean',
  'string',
  'string with byte order mark first',
  'integer',
  'fraction',
  'negative zero',
  'negative zero in a structure',
  'array',
  'object',
  'object with undefined',
  'object without prototype',
]

const SEED = 20_261_122

/** The behaviours that a codec of these capabilities must show. */
export function codecChecks({ keeps, nests }: CodecCapabilities): CodecCheck[] {
  const names = Object.keys(samples) as SampleName[]
  // A leaf that both kinds of codec keep.
  const sample = Uint8Array.from({ length: 64 }, (_, index) => index)
  const kept = nests ? { text: 'some text', list: [1, 2, 3] } : sample
  const other = nests ? { text: 'other text', list: [4, 5, 6] } : Uint8Array.from(sample, byte => byte ^ 0xff)

  const sampleChecks = names.map((name): CodecCheck =>
    keeps.includes(name)
      ? { title: `keeps: ${name}`, run: setup => keepsSample(setup(), name) }
      : { title: `refuses: ${name}`, run: setup => refusesSample(setup(), name, nests) },
  )
  return [
    ...sampleChecks,
    {
      title: 'has a MIME type',
      run: setup => assert.match(setup().contentType, /^[a-z]+\/[a-z.+-]+$/),
    },
    {
      title: 'refuses undefined as the whole value',
      run: setup => refused(() => setup().encode(undefined, 0), 'not_encodable'),
    },
    {
      title: 'leaves the reserved room in front',
      run: setup => {
        const codec = setup()
        for (const reserve of [0, 1, 9, 255]) {
          const bytes = codec.encode(kept, reserve)

          assert.deepStrictEqual(codec.decodeUnsafe(bytes, reserve, bytes.length), kept)
        }
      },
    },
    {
      title: 'never overwrites what it encoded before',
      run: setup => {
        const codec = setup()
        const first = codec.encode(kept, 9)
        const copy = first.slice()

        for (let count = 0; count < 2000; count++) codec.encode(other, 9).fill(0xee)

        assert.deepStrictEqual(Uint8Array.from(first), Uint8Array.from(copy))
      },
    },
    {
      title: 'reads nothing outside of start and end',
      run: setup => {
        const codec = setup()
        const bytes = codec.encode(kept, 0)
        const within = new Uint8Array(bytes.length + 20).fill(0x31)
        within.set(bytes, 10)

        assert.deepStrictEqual(codec.decodeUnsafe(within, 10, 10 + bytes.length), kept)
      },
    },
    {
      title: 'decodes a Buffer to the same plain data',
      run: setup => {
        const codec = setup()

        const result = codec.decode(Buffer.from(codec.encode(kept, 0)))

        assert.deepStrictEqual(isRight(result) && result.right, kept)
      },
    },
    {
      title: 'accepts maxBytes and refuses one more',
      run: setup => {
        const length = setup().encode(kept, 0).length
        const bytes = setup().encode(kept, 0)

        assert.equal(setup({ maxBytes: length }).encode(kept, 9).length, length + 9)
        assert.deepStrictEqual(setup({ maxBytes: length }).decodeUnsafe(bytes, 0, length), kept)
        refused(() => setup({ maxBytes: length - 1 }).encode(kept, 9), 'too_large')
        refused(() => setup({ maxBytes: length - 1 }).decodeUnsafe(bytes, 0, length), 'too_large')
      },
    },
    {
      title: 'accepts maxDepth and refuses one more',
      nests: true,
      run: setup => {
        const codec = setup({ maxDepth: 3 })
        const deep = setup().encode([{ a: [[]] }], 0)

        assert.deepStrictEqual(roundTrip(codec, [{ a: [] }, {}, [], [[]], {}]), [{ a: [] }, {}, [], [[]], {}])
        refused(() => codec.encode([{ a: [[]] }], 0), 'too_deep')
        refused(() => codec.decodeUnsafe(deep, 0, deep.length), 'too_deep')
      },
    },
    {
      title: 'accepts maxItems and refuses one more',
      nests: true,
      run: setup => {
        const codec = setup({ maxItems: 5 })
        const many = setup().encode({ a: [1, 'x,y', [], {}], b: 0 }, 0)

        assert.deepStrictEqual(roundTrip(codec, { a: [1, 'x,y', [], {}] }), { a: [1, 'x,y', [], {}] })
        refused(() => codec.encode({ a: [1, 'x,y', [], {}], b: 0 }, 0), 'too_many_items')
        refused(() => codec.decodeUnsafe(many, 0, many.length), 'too_many_items')
      },
    },
    {
      title: 'refuses a cycle and names where it closes',
      nests: true,
      run: setup => {
        const parent: { children: unknown[] } = { children: [1] }
        parent.children.push({ parent })

        refused(() => setup().encode({ parent }, 0), 'not_encodable', '$.parent.children[1].parent:')
      },
    },
    {
      title: 'refuses shared parts that multiply beyond the limits',
      nests: true,
      run: setup => {
        let value: unknown = 0
        for (let level = 0; level < 14; level++) value = [value, value]
        const long = Array.from({ length: 100 }, () => 'x'.repeat(1000))

        refused(() => setup({ maxItems: 1000 }).encode(value, 0), 'too_many_items')
        refused(() => setup({ maxBytes: 10_000 }).encode(long, 0), 'too_large')
      },
    },
    {
      title: 'refuses a value whose getter throws',
      nests: true,
      run: setup => {
        const value = {
          get boom(): number {
            throw new RangeError('from the getter')
          },
        }

        refused(() => setup().encode(value, 0), 'not_encodable')
      },
    },
    {
      title: 'keeps every value of JSON',
      nests: true,
      run: setup => {
        const codec = setup()
        const plain = fc.jsonValue({ stringUnit: 'binary' }).filter(value => !hasProto(value))
        const keepsIt = fc.property(plain, value => assert.deepStrictEqual(roundTrip(codec, value), value))

        fc.assert(keepsIt, { seed: SEED, numRuns: 200 })
      },
    },
    {
      title: 'answers any bytes with a value or an error',
      run: setup => {
        const codec = setup({ maxBytes: 200 })
        const answers = fc.property(fc.uint8Array({ maxLength: 220 }), bytes => answersWell(codec, bytes))

        fc.assert(answers, { seed: SEED, numRuns: 500 })
      },
    },
    {
      title: 'answers damaged encodings with a value or an error',
      nests: true,
      run: setup => {
        const codec = setup()
        const damaged = fc
          .tuple(fc.jsonValue(), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }), fc.nat(3))
          .filter(([value]) => !hasProto(value))
          .map(([value, changes, cut]) => {
            const bytes = codec.encode(value, 0)
            for (const [at, byte] of changes) bytes[at % bytes.length] = byte
            return bytes.subarray(0, bytes.length - cut)
          })

        fc.assert(
          fc.property(damaged, bytes => answersWell(codec, bytes)),
          { seed: SEED, numRuns: 500 },
        )
      },
    },
    {
      title: 'refuses every truncated encoding',
      nests: true,
      run: setup => {
        const codec = setup()
        const bytes = codec.encode({ text: 'some text', list: [1.5, 'ü', [], { deep: true }] }, 0)

        for (let end = 0; end < bytes.length; end++) refused(() => codec.decodeUnsafe(bytes, 0, end), 'not_decodable')
      },
    },
    {
      title: 'refuses bytes after the value',
      nests: true,
      run: setup => {
        const codec = setup()
        const bytes = codec.encode([1], 0)

        refused(() => codec.decodeUnsafe(Uint8Array.of(...bytes, ...bytes), 0, bytes.length * 2), 'not_decodable')
      },
    },
  ]
}

/** Runs the checks as tests; those a codec has no capability for show as skipped. */
export function testCodec(name: string, setup: CodecSetup, capabilities: CodecCapabilities): void {
  describe(`${name} as a Codec`, () => {
    for (const { title, nests = false, run } of codecChecks(capabilities)) {
      it.skipIf(nests && !capabilities.nests)(title, () => run(setup))
    }
  })
}

function keepsSample(codec: Codec, name: SampleName): void {
  const sample: { make: () => unknown; arrives?: unknown } = samples[name]
  const expected = sample.arrives ?? sample.make()

  const arrived = roundTrip(codec, sample.make())

  const asFields = (value: unknown): unknown =>
    name === 'object with undefined' ? { ...(value as object), a: 0 } : value
  assert.deepStrictEqual(asFields(arrived), asFields(expected))
}

function refusesSample(codec: Codec, name: SampleName, nests: boolean): void {
  refused(() => codec.encode(samples[name].make(), 0), 'not_encodable', '$')
  if (!nests) return
  const { path, value } =
    name === 'object with __proto__ field'
      ? { path: '$.items[3].when.__proto__:', value: samples[name].make() }
      : { path: '$.items[3].when', value: samples[name].make() }
  refused(() => codec.encode({ items: [0, 1, 2, { when: value }] }, 0), 'not_encodable', path)
}

function roundTrip(codec: Codec, value: unknown): unknown {
  const bytes = codec.encode(value, 0)
  return codec.decodeUnsafe(bytes, 0, bytes.length)
}

function refused(act: () => unknown, reason: string, text = ''): void {
  assert.throws(act, (error: unknown) => {
    assert.ok(RpcError.is(error), `${String(error)} is no RpcError`)
    assert.equal(error.reason, reason)
    assert.ok(error.message.includes(text), `${error.message} does not name ${text}`)
    return true
  })
}

const REASONS = ['not_decodable', 'too_deep', 'too_large', 'too_many_items']

function answersWell(codec: Codec, bytes: Uint8Array): void {
  const result = codec.decode(bytes)
  if (isLeft(result)) {
    assert.ok(RpcError.is(result.left), `${String(result.left)} is no RpcError`)
    assert.ok(REASONS.includes(result.left.reason), result.left.message)
  } else {
    assertPlain(result.right)
    // What was decoded is a value that the codec keeps.
    assert.deepStrictEqual(roundTrip(codec, result.right), result.right)
  }
}

const PROTOTYPES: readonly unknown[] = [Object.prototype, Array.prototype, Uint8Array.prototype, Date.prototype]

function assertPlain(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  assert.ok(PROTOTYPES.includes(Object.getPrototypeOf(value)), 'a value that is not plain data')
  if (!(value instanceof Uint8Array)) Object.values(value).forEach(assertPlain)
}

function hasProto(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hasProto)
}
