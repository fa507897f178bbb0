import * as fc from 'fast-check'
import { type Code, codes, type Json, retrySafely, RpcError } from 'millrace/core'
import { TimeoutError } from 'rxjs'
import { describe, expect, it } from 'vitest'

const overTheWire = (error: RpcError): RpcError | undefined =>
  RpcError.fromJSON(JSON.parse(JSON.stringify(error)) as unknown)

describe('RpcError', () => {
  it('starts its message with the code', () => {
    const error = new RpcError('NOT_FOUND', 'no user 7')

    expect(String(error)).toBe('RpcError: [NOT_FOUND] no user 7')
    expect(error.rawMessage).toBe('no user 7')
  })

  it('has the code as reason when none is given', () => {
    expect(new RpcError('NOT_FOUND', 'x').reason).toBe('not_found')
  })

  it('advises against retry unless told', () => {
    expect(new RpcError('UNAVAILABLE', 'x').retry).toEqual({ safe: false })
    expect(new RpcError('UNAVAILABLE', 'x', { retry: retrySafely }).retry).toEqual({ safe: true })
  })

  it('gets a hop without changing the original', () => {
    const error = new RpcError('INTERNAL', 'x', { reason: 'broken', details: [1], cause: 'c' })

    const hopped = error.via({ service: 'a', endpoint: 'A.b' }).via({ service: 'c', endpoint: 'C.d', node: 'n1' })

    expect(error.hops).toEqual([])
    expect(hopped.hops).toEqual([
      { service: 'a', endpoint: 'A.b' },
      { service: 'c', endpoint: 'C.d', node: 'n1' },
    ])
    expect({ ...hopped.toJSON(), hops: undefined }).toEqual({ ...error.toJSON(), hops: undefined })
    expect(hopped.stack).toBe(error.stack)
  })
})

describe('RpcError.is', () => {
  it('knows errors of another copy of the package', () => {
    const foreign = Object.defineProperty(new Error('x'), Symbol.for('millrace.RpcError'), { value: true })

    expect(RpcError.is(foreign)).toBe(true)
  })

  it.each([new Error('x'), { code: 'INTERNAL', message: 'x' }, 'INTERNAL', null, undefined])('refuses %s', value => {
    expect(RpcError.is(value)).toBe(false)
  })
})

describe('RpcError.from', () => {
  it('keeps an RpcError as it is', () => {
    const error = new RpcError('ABORTED', 'x')

    expect(RpcError.from(error, 'INTERNAL')).toBe(error)
  })

  it.each([
    [new DOMException('stop', 'AbortError'), 'CANCELLED'],
    [new DOMException('late', 'TimeoutError'), 'DEADLINE_EXCEEDED'],
    [new TimeoutError(), 'DEADLINE_EXCEEDED'],
    [new TypeError('wrong'), 'UNKNOWN'],
    ['text', 'UNKNOWN'],
  ])('makes of %s %s', (thrown, code) => {
    const error = RpcError.from(thrown)

    expect(error.code).toBe(code)
    expect(error.cause).toBe(thrown)
  })

  it('uses the code and options that it is given', () => {
    const error = RpcError.from(new Error('x'), 'INTERNAL', { reason: 'handler_threw', details: { id: '1' } })

    expect(error).toMatchObject({ code: 'INTERNAL', reason: 'handler_threw', details: { id: '1' }, rawMessage: 'x' })
  })

  it('takes anything thrown', () => {
    const cyclic: Record<string, unknown> = {}
    cyclic['self'] = cyclic
    const hostile = Object.defineProperty(new Error('x'), 'message', {
      get: () => {
        throw new Error('from the getter')
      },
    })

    for (const thrown of [undefined, null, 1n, Symbol('s'), () => 1, cyclic, hostile, NaN]) {
      expect(RpcError.is(RpcError.fromJSON(RpcError.from(thrown).toJSON()))).toBe(true)
    }
  })
})

describe('RpcError.fromJSON', () => {
  it('gives back the whole error', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 30 })
    const details = fc
      .jsonValue({ maxDepth: 4, stringUnit: 'grapheme' })
      .map(value => JSON.parse(JSON.stringify(value)) as Json) // without -0, which JSON.stringify does not keep
    const errors = fc
      .record({
        code: fc.constantFrom(...codes),
        message: text,
        reason: fc.stringMatching(/^[a-z][a-z0-9_]{0,20}$/),
        details: details.filter(value => !JSON.stringify(value).includes('__proto__')),
        retry: fc.record({ safe: fc.boolean(), afterMs: fc.nat() }),
        hops: fc.array(fc.record({ service: text, endpoint: text, node: text }), { maxLength: 5 }),
      })
      .map(({ code, message, details: facts, ...rest }) => {
        return new RpcError(code, message, { ...rest, details: facts, cause: new RangeError('deepest') })
      })
    const survives = fc.property(fc.array(errors, { minLength: 1, maxLength: 4 }), chain => {
      const error = chain.reduce(
        (cause, { code, rawMessage, reason, hops, retry, details: facts }) =>
          new RpcError(code, rawMessage, {
            cause,
            reason,
            hops,
            retry,
            ...(facts !== undefined && { details: facts }),
          }),
      )

      const arrived = overTheWire(error) as RpcError

      expect(arrived.toJSON()).toEqual(error.toJSON())
      expect(arrived.toJSON().cause).toBeDefined()
    })

    fc.assert(survives, { seed: 3, numRuns: 100 })
  })

  it('gives causes that are errors of their kind', () => {
    const deepest = new RangeError('out of range', { cause: 'a string' })
    const inner = new RpcError('UNAVAILABLE', 'gone', { reason: 'no_endpoint', cause: deepest })

    const arrived = overTheWire(new RpcError('INTERNAL', 'outer', { cause: inner })) as RpcError

    const cause = arrived.cause as RpcError
    expect(RpcError.is(cause)).toBe(true)
    expect(cause.reason).toBe('no_endpoint')
    expect(cause.cause).toMatchObject({ name: 'RangeError', message: 'out of range' })
    expect((cause.cause as Error).cause).toMatchObject({ name: 'string', message: 'a string' })
  })

  it('cuts a chain of causes at eight', () => {
    let error = new RpcError('INTERNAL', 'deepest')
    for (let level = 0; level < 20; level++) error = new RpcError('INTERNAL', `level ${level}`, { cause: error })

    let depth = 0
    for (let at: unknown = overTheWire(error); at instanceof Error && at.cause !== undefined; at = at.cause) depth++

    expect(depth).toBe(8)
  })

  it('sends an error that causes itself', () => {
    const error = new Error('loop')
    error.cause = error

    expect(overTheWire(RpcError.from(error))).toBeDefined()
  })

  it('reads hostile nesting without overflow', () => {
    let cause: unknown = { code: 'INTERNAL', message: 'x' }
    let details: unknown = 1
    for (let level = 0; level < 100_000; level++) {
      cause = { code: 'INTERNAL', message: 'x', cause }
      details = [details]
    }

    const error = RpcError.fromJSON({ code: 'INTERNAL', message: 'x', cause, details })

    expect(error?.details).toBeUndefined()
    expect(error?.cause).toBeDefined()
  })

  it('leaves out parts that are malformed', () => {
    const error = RpcError.fromJSON({
      code: 'INTERNAL',
      message: 'm'.repeat(100_000),
      reason: 'Not Snake',
      details: new Map(),
      retry: { safe: 'yes', afterMs: -1 },
      hops: [{ service: 1 }, { service: 's', endpoint: 'e', node: 7, extra: 'x' }, null],
      cause: 5,
    })

    expect(error).toMatchObject({ reason: 'internal', retry: { safe: false }, hops: [{ service: 's', endpoint: 'e' }] })
    expect(error?.hops[0]).not.toHaveProperty('extra')
    expect(error?.rawMessage).toHaveLength(8192)
    expect(error?.details).toBeUndefined()
    expect(error?.cause).toBeUndefined()
  })

  it('bounds hops and details', () => {
    const hops = Array.from({ length: 1000 }, () => ({ service: 's', endpoint: 'e' }))
    const details = Array.from({ length: 10_000 }, () => 0)

    const error = RpcError.fromJSON({ code: 'INTERNAL', message: 'x', hops, details })

    expect(error?.hops).toHaveLength(32)
    expect(error?.details).toBeUndefined()
  })

  it('never throws', () => {
    const anything = fc.anything({ withNullPrototype: true, withBigInt: true })
    const parts = fc.record(
      {
        code: fc.constantFrom<Code>('INTERNAL'),
        message: fc.string(),
        reason: anything,
        details: anything,
        retry: anything,
        hops: anything,
        cause: anything,
      },
      { requiredKeys: ['code', 'message'] },
    )
    const reads = fc.property(fc.oneof(anything, parts), value => {
      const error = RpcError.fromJSON(value)
      if (error !== undefined) expect(() => JSON.stringify(error)).not.toThrow()
    })

    fc.assert(reads, { seed: 4, numRuns: 500 })
  })
})

describe('RpcError.toJSON', () => {
  it('leaves out what is empty', () => {
    expect(new RpcError('INTERNAL', 'x').toJSON()).toEqual({ code: 'INTERNAL', reason: 'internal', message: 'x' })
  })

  it('keeps details that are not JSON at home', () => {
    const error = new RpcError('INTERNAL', 'x', { details: { big: 1n } as never })

    expect(error.toJSON()).not.toHaveProperty('details')
  })

  it('mends half a surrogate pair in a message', () => {
    expect(new RpcError('INTERNAL', 'cut \ud83c').toJSON().message).toBe('cut \ufffd')
  })
})
