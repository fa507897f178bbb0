import * as fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import type { Endpoint } from 'millrace/registry'
import { deflateSync, inflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readAddress, writeAddress } from '../../src/registry/mdns/address.js'
import { MAX_NAME_BYTES, MAX_PACKET_BYTES, nodeRecord } from '../../src/registry/mdns/record.js'
import { decodeText, encodeText, joinText } from '../../src/registry/mdns/text.js'
import { instanceOf } from '../compliance/registry-probe.js'

const CONTEXT = { domain: 'micro', hostname: 'host', ttlMs: 120_000 }

/** The record of greeter as go-micro writes it, taken apart by hand. */
const GREETER = {
  Metadata: { protocol: 'mucp', transport: 'http' },
  Service: 'greeter',
  Version: 'latest',
  Endpoints: [
    {
      name: 'Greeter.Hello',
      request: { name: 'Req', type: 'Req', values: [{ name: 'name', type: 'string', values: null }] },
      response: null,
      metadata: null,
    },
  ],
}

describe('nodeRecord', () => {
  it('names its records as go-micro does', () => {
    const { announcement } = nodeRecord({ ...instanceOf('greeter', 'greeter-1'), metadata: {} }, CONTEXT)

    expect(announcement).toMatchObject({
      type: 'response',
      answers: [
        { type: 'PTR', name: 'greeter.micro', ttl: 120, data: 'greeter-1.greeter.micro' },
        {
          type: 'SRV',
          name: 'greeter-1.greeter.micro',
          ttl: 120,
          data: { priority: 10, weight: 1, port: 4000, target: 'host' },
        },
        { type: 'A', name: 'host', ttl: 120, data: '127.0.0.1' },
        { type: 'TXT', name: 'greeter-1.greeter.micro', ttl: 120 },
      ],
    })
  })

  it('says goodbye with the same records, living no longer', () => {
    const { announcement, goodbye } = nodeRecord(instanceOf('greeter', 'greeter-1'), CONTEXT)

    const answers = announcement.type === 'response' ? announcement.answers : []

    expect(goodbye).toEqual({ type: 'response', answers: answers.map(answer => ({ ...answer, ttl: 0 })) })
  })

  it('lists its service as a node of _services', () => {
    const { listing } = nodeRecord(instanceOf('greeter', 'greeter-1'), CONTEXT)

    expect(listing).toMatchObject({
      answers: [
        { type: 'PTR', name: '_services.micro', data: 'greeter._services.micro' },
        { type: 'SRV', name: 'greeter._services.micro', data: { port: 9999 } },
        { type: 'A', data: '0.0.0.0' },
        { type: 'TXT', name: 'greeter._services.micro', data: [] },
      ],
    })
  })

  it.each([
    ['[::1]:4000', { type: 'AAAA', name: 'host', data: '::1' }],
    ['db.example:4000', undefined],
  ])('gives %s its address record', (address, expected) => {
    const { announcement } = nodeRecord(instanceOf('greeter', 'greeter-1', { address }), CONTEXT)

    const answers = announcement.type === 'response' ? announcement.answers : []
    const [found] = answers.filter(({ type }) => type === 'A' || type === 'AAAA')

    expect(found).toEqual(expected === undefined ? undefined : { ...expected, ttl: 120 })
  })

  it.each([
    '0.0.0.0:4000',
    '[::]:4000',
    '[fe80::1%eth0]:4000',
    '127.0.0.1',
    '127.0.0.1:0',
    ':4000',
    '1.2.3:80',
    'a b:80',
  ])('refuses the address %s', address => {
    expect(() => nodeRecord(instanceOf('greeter', 'greeter-1', { address }), CONTEXT)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', reason: 'invalid_instance' }),
    )
  })

  it('refuses a record that fits into no packet', () => {
    const secret = fc.sample(fc.string({ minLength: 6000, maxLength: 6000 }), { numRuns: 1, seed: 1 }).join('')
    const instance = { ...instanceOf('greeter', 'greeter-1'), metadata: { secret } }

    expect(() => nodeRecord(instance, CONTEXT)).toThrow(
      expect.objectContaining({
        code: 'RESOURCE_EXHAUSTED',
        reason: 'record_too_large',
        details: { bytes: expect.any(Number), limit: MAX_PACKET_BYTES },
      }),
    )
  })

  it('refuses a name that fits into no record', () => {
    const instance = instanceOf('greeter', ['a'.repeat(60), 'b'.repeat(60), 'c'.repeat(58)].join('.'))
    const named = (name: string) => () => nodeRecord({ ...instance, name }, CONTEXT)

    const longest = `dd.${'d'.repeat(MAX_NAME_BYTES - 2 - `${instance.node.id}.dd..micro`.length)}`

    expect(named(longest)).not.toThrow()
    expect(named(`d${longest}`)).toThrow(
      expect.objectContaining({ reason: 'record_too_large', details: { bytes: 256, limit: MAX_NAME_BYTES } }),
    )
  })
})

describe('encodeText', () => {
  it('writes hex of zlib of JSON in strings of 255', () => {
    const strings = encodeText({
      service: 'greeter',
      version: 'latest',
      metadata: { protocol: 'mucp' },
      endpoints: [],
      serviceMetadata: {},
    })

    const json: unknown = JSON.parse(inflateSync(Buffer.from(joinText(strings), 'hex')).toString())

    expect(json).toEqual({ Service: 'greeter', Version: 'latest', Endpoints: null, Metadata: { protocol: 'mucp' } })
    expect(strings.slice(0, -1).every(({ length }) => length === 255)).toBe(true)
  })

  it('is read back as it was, whatever it says', () => {
    const metadata = fc.dictionary(fc.string(), fc.string(), { maxKeys: 5 })
    const shape = fc.record({ name: fc.string(), type: fc.string(), values: fc.constant(null) })
    const endpoint: fc.Arbitrary<Endpoint> = fc.record({
      name: fc.string(),
      request: fc.option(shape),
      response: fc.option(shape),
      metadata,
    })
    const text = fc.record({
      service: fc.string(),
      version: fc.string({ minLength: 1 }),
      metadata,
      endpoints: fc.array(endpoint, { maxLength: 3 }),
      serviceMetadata: metadata,
    })

    fc.assert(
      fc.property(text, value => {
        expect(decodeText(joinText(encodeText(value)))).toEqual(E.right(value))
      }),
      { seed: 1, numRuns: 200 },
    )
  })
})

describe('decodeText', () => {
  it('reads what go-micro writes', () => {
    const hex = deflateSync(JSON.stringify(GREETER)).toString('hex')

    expect(decodeText(hex)).toEqual(
      E.right({
        service: 'greeter',
        version: 'latest',
        metadata: GREETER.Metadata,
        endpoints: GREETER.Endpoints.map(endpoint => ({ ...endpoint, metadata: {} })),
        serviceMetadata: {},
      }),
    )
  })

  it.each([
    ['no hex', 'zz'],
    ['half a byte', 'abc'],
    ['nothing', ''],
    ['no zlib', 'abcd'],
    ['a zip bomb', deflateSync(JSON.stringify(GREETER).padEnd(1_000_000)).toString('hex')],
    ['no JSON', deflateSync('{').toString('hex')],
    ['no object', hexOf([1])],
    ['no service', hexOf({ Version: '1' })],
    ['no version', hexOf({ Service: 'a', Version: '' })],
    ['labels that are no strings', hexOf({ ...GREETER, Metadata: { a: 1 } })],
    ['endpoints that are none', hexOf({ ...GREETER, Endpoints: [1] })],
    ['10 MB', deflateSync(JSON.stringify({ ...GREETER, Metadata: { a: 'b'.repeat(10_000_000) } })).toString('hex')],
    ['deep nesting', deflateSync('['.repeat(60_000)).toString('hex')],
  ])('refuses %s', (_, hex) => {
    expect(E.isLeft(decodeText(hex))).toBe(true)
  })

  it('leaves out what is nested deeper than eight', () => {
    const field = (depth: number): object => ({ name: 'a', type: 'b', values: depth === 0 ? null : [field(depth - 1)] })
    const [endpoint] = GREETER.Endpoints

    const read = decodeText(hexOf({ ...GREETER, Endpoints: [{ ...endpoint, request: field(200) }] }))

    expect(JSON.stringify(read).match(/"name":"a"/g)).toHaveLength(8)
  })

  it('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json().map(json => deflateSync(json).toString('hex')),
        ),
        text => {
          decodeText(text)
        },
      ),
      { seed: 1, numRuns: 500 },
    )
  })
})

describe('readAddress', () => {
  it.each(['127.0.0.1:1', '10.0.0.5:65535', '[::1]:80', '[2001:db8::1]:80', 'localhost:80', 'a_b.c-d:80'])(
    'reads %s and writes it again',
    address => {
      const read = readAddress(address)

      expect(read && writeAddress(read)).toBe(address)
    },
  )
})

function hexOf(value: unknown): string {
  return deflateSync(JSON.stringify(value)).toString('hex')
}
