import {
  bool,
  fn,
  having,
  integer,
  listOf,
  number,
  oneOf,
  optional,
  resolveOptions,
  RpcError,
  text,
} from 'millrace/core'
import { describe, expect, it } from 'vitest'

const checks = {
  port: integer({ min: 0, max: 65_535 }),
  host: optional(text, 'localhost'),
  mode: optional(oneOf('fast', 'safe'), 'safe' as const),
  tags: optional(listOf(text), []),
}

const faultsOf = (act: () => unknown): unknown => {
  try {
    act()
  } catch (error) {
    if (RpcError.is(error)) return error.toJSON()
  }
  return undefined
}

describe('resolveOptions', () => {
  it('fills defaults', () => {
    expect(resolveOptions('tcp', checks, { port: 80 })).toEqual({ port: 80, host: 'localhost', mode: 'safe', tags: [] })
  })

  it('takes undefined for the default', () => {
    expect(resolveOptions('tcp', checks, { port: 80, host: undefined })).toMatchObject({ host: 'localhost' })
  })

  it('lists every fault at once', () => {
    const given = { port: 70_000, host: '', mode: 'slow', tags: ['a', 1, ''], prot: 1 }

    const error = faultsOf(() => resolveOptions('tcp', checks, given))

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_options' })
    expect(new Set((error as { details: string[] }).details)).toEqual(
      new Set([
        'port: expected a whole number ≥ 0 and ≤ 65535, got 70000',
        'host: expected a string that is not empty, got ""',
        'mode: expected one of fast, safe, got "slow"',
        'tags[1]: expected a string that is not empty, got 1',
        'tags[2]: expected a string that is not empty, got ""',
        'prot: no such option, known are port, host, mode, tags',
      ]),
    )
  })

  it.each(['toString', '__proto__', 'constructor'])('refuses an option named %s', name => {
    const given = JSON.parse(`{"port":1,"${name}":1}`) as object

    expect(() => resolveOptions('tcp', checks, given)).toThrow(`tcp: ${name}: no such option`)
  })

  it('reports what is required when nothing is given', () => {
    expect(() => resolveOptions('tcp', checks, undefined)).toThrow('tcp: port: expected a whole number')
  })
})

describe('checks', () => {
  it.each([
    ['integer', integer(), 1.5],
    ['integer below', integer({ min: 1 }), 0],
    ['bounded integer', integer({ max: 5 }), Infinity],
    ['number', number(), NaN],
    ['number', number(), '1'],
    ['bool', bool, 'true'],
    ['fn', fn(), {}],
    ['listOf', listOf(text), 'a'],
    ['having', having<{ run(): void }>('run'), null],
    ['having', having<{ run(): void }>('run'), {}],
    ['having', having(), null],
    ['having', having(), 'text'],
  ])('%s refuses %3$s', (_, check, value) => {
    expect(() => resolveOptions('x', { option: check as typeof bool }, { option: value })).toThrow(
      'x: option: expected',
    )
  })

  it.each([
    ['integer', integer(), Infinity],
    ['integer', integer({ min: -1, max: 1 }), -1],
    ['number', number({ min: 0, max: 1 }), 0.5],
    ['bool', bool, false],
    ['having', having<{ run(): void }>('run'), { run: () => {} }],
    ['having', having(), {}],
  ])('%s accepts %3$s', (_, check, value) => {
    expect(resolveOptions('x', { option: check as typeof bool }, { option: value })).toEqual({ option: value })
  })
})
