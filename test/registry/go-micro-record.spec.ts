import * as fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import type { Instance, ValueShape } from 'millrace/registry'
import { describe, expect, it } from 'vitest'
import { decodeRecord, encodeRecord, MAX_RECORD_CHARS, recordKey } from '../../src/registry/go-micro-record.js'
import { instanceOf } from '../compliance/registry-probe.js'

/** The record of greeter, as go-micro writes it. */
const GREETER = {
  name: 'greeter',
  version: 'latest',
  metadata: null,
  endpoints: [
    {
      request: { name: 'Req', type: 'Req', values: [{ name: 'name', type: 'string', values: null }] },
      response: null,
      metadata: {},
      name: 'Greeter.Hello',
    },
  ],
  nodes: [{ metadata: { protocol: 'mucp', transport: 'http' }, id: 'greeter-6f1d', address: '10.0.0.5:40123' }],
}

const label = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,8}$/)
const labels = fc.dictionary(fc.string(), fc.string(), { maxKeys: 4 })
const shape = fc.letrec<{ shape: ValueShape }>(tie => ({
  shape: fc.record({
    name: fc.string(),
    type: fc.string(),
    values: fc.option(fc.array(tie('shape'), { maxLength: 3 }), { nil: null, depthSize: 'small' }),
  }),
})).shape
const instances: fc.Arbitrary<Instance> = fc.record({
  name: label,
  version: fc.string({ minLength: 1 }),
  metadata: labels,
  endpoints: fc.array(
    fc.record({
      name: fc.string(),
      request: fc.option(shape, { nil: null }),
      response: fc.option(shape, { nil: null }),
      metadata: labels,
    }),
    { maxLength: 3 },
  ),
  node: fc.record({
    id: label,
    address: fc.constantFrom('10.0.0.5:40123', '[::1]:80', 'ws://host/path', '/run/words.sock', 'host:1'),
    metadata: labels,
  }),
})

describe('recordKey', () => {
  it('is go-micro’s, without slashes in names', () => {
    expect(recordKey('/micro/registry', 'go/greeter', 'greeter/1')).toBe('/micro/registry/go-greeter/greeter-1')
  })
})

describe('decodeRecord', () => {
  it('reads what go-micro writes', () => {
    expect(decodeRecord(JSON.stringify(GREETER))).toEqual(
      E.right({
        name: 'greeter',
        version: 'latest',
        metadata: {},
        endpoints: GREETER.endpoints,
        node: { id: 'greeter-6f1d', address: '10.0.0.5:40123', metadata: { protocol: 'mucp', transport: 'http' } },
      }),
    )
  })

  it.each([
    ['10.0.0.5', 8080, '10.0.0.5:8080'],
    ['fe80::1', 8080, '[fe80::1]:8080'],
    ['10.0.0.5:8080', 0, '10.0.0.5:8080'],
  ])('reads the old address %s with port %i', (address, port, expected) => {
    const read = decodeRecord(JSON.stringify({ ...GREETER, nodes: [{ id: 'a', address, port, metadata: null }] }))

    expect(E.isRight(read) && read.right.node).toEqual({ id: 'a', address: expected, metadata: {} })
  })

  it('reads back every instance', () => {
    fc.assert(
      fc.property(instances, instance => {
        const within = JSON.parse(JSON.stringify(instance)) as Instance
        expect(decodeRecord(encodeRecord(within))).toEqual(E.right(within))
      }),
      { seed: 5, numRuns: 300 },
    )
  })

  it('never throws at damaged records', () => {
    const record = encodeRecord(instanceOf('words', 'a'))
    fc.assert(
      fc.property(fc.nat(record.length), fc.nat(record.length), fc.string(), (from, to, text) => {
        decodeRecord(record.slice(0, from) + text + record.slice(to))
      }),
      { seed: 5, numRuns: 2000 },
    )
  })

  it('never throws at any JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (value, node) => {
        decodeRecord(JSON.stringify(value))
        decodeRecord(JSON.stringify({ ...GREETER, nodes: [node] }))
        decodeRecord(JSON.stringify({ ...GREETER, endpoints: [value] }))
      }),
      { seed: 5, numRuns: 500 },
    )
  })

  it.each<[string, string, string]>([
    ['no JSON', '{"name":', 'it is not a JSON object'],
    ['a list', '[]', 'it is not a JSON object'],
    ['too much', ' '.repeat(MAX_RECORD_CHARS + 1), 'it has 1048577 characters, at most 1048576'],
    ['no node', JSON.stringify({ ...GREETER, nodes: null }), 'it does not have one node'],
    [
      'two nodes',
      JSON.stringify({ ...GREETER, nodes: [...GREETER.nodes, ...GREETER.nodes] }),
      'it does not have one node',
    ],
    ['labels that are none', JSON.stringify({ ...GREETER, metadata: { a: 1 } }), 'its labels are not strings'],
    ['endpoints that are none', JSON.stringify({ ...GREETER, endpoints: [7] }), 'its endpoints cannot be read'],
    [
      'a name with a slash',
      JSON.stringify({ ...GREETER, name: 'go/greeter' }),
      'name has a slash, white space or control character',
    ],
    [
      'an address that is none',
      JSON.stringify({ ...GREETER, nodes: [{ id: 'a', address: 'nowhere' }] }),
      'node.address "nowhere" is not host:port, a URL or a path',
    ],
    ['no version', JSON.stringify({ ...GREETER, version: undefined }), 'version is not a string with text'],
  ])('says what is wrong with %s', (_, text, expected) => {
    expect(decodeRecord(text)).toEqual(E.left(expected))
  })

  it('reads nothing that is nested without end', () => {
    const deep = `${'{"values":['.repeat(50_000)}${']}'.repeat(50_000)}`

    const read = decodeRecord(JSON.stringify(GREETER).replace('"response":null', `"response":${deep}`))

    expect(E.isRight(read) && read.right.endpoints[0]?.response).toBe(null)
  })
})
