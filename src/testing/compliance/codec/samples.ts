import { foreignError } from '../foreign-error.js'

class Order {
  readonly id = 1
}

/** A value that a codec keeps or refuses. */
export interface Sample {
  /** Makes it. */
  readonly make: () => unknown
  /** What it is when it has arrived, where that looks different. @default the same */
  readonly arrives?: unknown
}

/** Values that a codec keeps or refuses, and never changes. */
export const samples: Readonly<Record<SampleName, Sample>> = {
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
  Error: { make: () => foreignError('boom') },
  RegExp: { make: () => /a/g },
  'class instance': { make: () => new Order() },
  'boxed number': { make: () => Object(1) as unknown },
  symbol: { make: () => Symbol('s') },
  function: { make: () => () => 1 },
}

/** Names of the values that a codec is tried with; `null` is the value, `negative zero in a structure` an object and arrays with it. */
export type SampleName =
  | 'null'
  | 'boolean'
  | 'string'
  | 'string with byte order mark first'
  | 'string with half a surrogate pair'
  | 'integer'
  | 'fraction'
  | 'negative zero'
  | 'negative zero in a structure'
  | 'NaN'
  | 'Infinity'
  | 'bigint'
  | 'unsigned bigint'
  | 'bigint of 65 bits'
  | 'array'
  | 'sparse array'
  | 'array with undefined'
  | 'object'
  | 'object with undefined'
  | 'object without prototype'
  | 'object with __proto__ field'
  | 'Uint8Array'
  | 'Buffer'
  | 'other typed array'
  | 'ArrayBuffer'
  | 'DataView'
  | 'Date'
  | 'invalid Date'
  | 'Map'
  | 'Set'
  | 'Error'
  | 'RegExp'
  | 'class instance'
  | 'boxed number'
  | 'symbol'
  | 'function'

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
