import { contract, duplex, unary } from 'millrace/actors'
import { RpcError } from 'millrace/core'
import { describe, expect, it } from 'vitest'
import { thrownBy } from '../support/thrown-by.js'

describe('contract', () => {
  it('makes one route an endpoint', () => {
    const Words = contract('words', { count: unary<string, number>() }, { version: '1.2.0' })

    expect(Words.routes.count).toEqual({ contract: 'words', version: '1.2.0', endpoint: 'count' })
    expect(Words.routes.count).toBe(Words.routes.count)
  })

  it('lists every fault at once', () => {
    const error = thrownBy(() =>
      contract('a word', { promise: unary(), 'not-a-name': unary(), what: {} as never } as never, { version: '' }),
    )

    expect(error.code).toBe('INVALID_ARGUMENT')
    expect(error.reason).toBe('invalid_contract')
    expect(error.details).toHaveLength(5)
  })

  it.each(['', '.', 'a..b', '-a', 'a b', 'ä', 'a'.repeat(51), `${'a'.repeat(50)}.`.repeat(3)])(
    'refuses the name %j',
    name => {
      expect(thrownBy(() => contract(name, { a: unary() })).reason).toBe('invalid_contract')
    },
  )

  it.each(['words', 'com.example.words-2', 'Words_1', 'a'.repeat(50)])('accepts the name %j', name => {
    expect(contract(name, { a: unary() }).name).toBe(name)
  })

  it.each(['with', 'then', 'either', 'promise'])('refuses the endpoint name %s', name => {
    const error = thrownBy(() => contract('words', { [name]: unary() }))

    expect(error.message).toContain(`endpoint ${name}: the name is taken`)
  })

  it('may have no endpoints', () => {
    expect(contract('audit', {}).routes).toEqual({})
  })
})

describe('unary', () => {
  it('refuses what is no schema', () => {
    const error = thrownBy(() => unary({ request: 'string', reply: {} } as never))

    expect(error.reason).toBe('invalid_options')
    expect(error.details).toHaveLength(2)
  })

  it('is not idempotent unless it says so', () => {
    expect(unary().idempotent).toBe(false)
    expect(unary({ idempotent: true }).idempotent).toBe(true)
  })
})

describe('duplex', () => {
  it('refuses an unknown pace', () => {
    expect(RpcError.is(thrownBy(() => duplex({ pace: 'request' } as never)))).toBe(true)
  })
})
