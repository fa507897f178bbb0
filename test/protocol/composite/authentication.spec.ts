import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { authenticationOf, readAuthorization } from '../../../src/protocol/rsocket/composite/authentication.js'
import { fromHex, joined } from '../../support/raw-frame.js'
import { thrownBy } from '../../support/thrown-by.js'

const refused = { code: 'INVALID_ARGUMENT', reason: 'invalid_metadata' }
const utf8 = new TextEncoder()

/** Header values of RFC 7617 and RFC 6750, and what they say. */
const published: readonly (readonly [string, Uint8Array])[] = [
  ['Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==', joined([0x80, 0, 7], utf8.encode('Aladdinopen sesame'))],
  ['Basic dGVzdDoxMjPCow==', joined([0x80, 0, 4], utf8.encode('test123\u00a3'))],
  ['Bearer mF_9.B5f-4.1JqM', joined([0x81], utf8.encode('mF_9.B5f-4.1JqM'))],
]

describe('authenticationOf', () => {
  it.each(published)('writes %s', (authorization, bytes) => {
    expect(authenticationOf(authorization)).toEqual(bytes)
  })

  it.each([
    'Digest username="u"',
    '',
    'Basic',
    'Basic !!!!',
    `Basic ${btoa('u:\u00ff')}`,
    `Basic ${btoa('user')}`,
    'Bearer ',
    'Bearer a b',
    'Bearer \u00e4',
  ])('has nothing for “%s”', authorization => {
    expect(authenticationOf(authorization)).toBeUndefined()
  })
})

describe('readAuthorization', () => {
  it.each(published)('reads %s', (authorization, bytes) => {
    expect(readAuthorization(joined([9], bytes, [9]), 1, 1 + bytes.length)).toBe(authorization)
  })

  it('reads what authenticationOf writes', () => {
    const base64 = (text: string): string => btoa(String.fromCharCode(...utf8.encode(text)))
    const text = fc.string({ unit: 'binary' })
    const authorizations = fc.oneof(
      fc.tuple(text, text).map(([user, password]) => `Basic ${base64(`${user.replaceAll(':', '')}:${password}`)}`),
      fc.stringMatching(/^[!-~]+$/).map(token => `Bearer ${token}`),
    )
    const property = fc.property(authorizations, authorization => {
      const bytes = authenticationOf(authorization) ?? new Uint8Array()

      expect(readAuthorization(bytes, 0, bytes.length)).toBe(authorization)
    })

    fc.assert(property, { seed: 16, numRuns: 300 })
  })

  it.each([
    ['a type of its own', '026162630102'],
    ['a type without a meaning', '8201'],
  ])('has nothing for %s', (_, hex) => {
    expect(readAuthorization(fromHex(hex), 0, hex.length / 2)).toBeUndefined()
  })

  it.each([
    ['no bytes', []],
    ['a type cut short', [2, 0x61, 0x62]],
    ['no length of a user name', [0x80, 0]],
    ['a user name cut short', [0x80, 0, 2, 0x75]],
    ['a user name that is not UTF-8', [0x80, 0, 1, 0xff]],
    ['a user name with a colon', [0x80, 0, 3, ...utf8.encode('a:bc')]],
    ['a password that is not UTF-8', [0x80, 0, 1, 0x75, 0xff]],
    ['a password that base64 makes too long', [0x80, 0, 1, ...new Uint8Array(6140).fill(0x61)]],
    ['a token that is not UTF-8', [0x81, 0xff]],
    ['no token', [0x81]],
    ['a token of two words', [0x81, ...utf8.encode('a b')]],
    ['a token with a line break', [0x81, ...utf8.encode('a\r\nx:y')]],
    ['a token that is too long', [0x81, ...new Uint8Array(8186).fill(0x61)]],
  ])('refuses %s', (_, bytes) => {
    expect(thrownBy(() => readAuthorization(Uint8Array.from(bytes), 0, bytes.length))).toMatchObject(refused)
  })
})
