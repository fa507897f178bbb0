import fc from 'fast-check'
import { emptyHeader, header, RpcError, type Header } from 'millrace/core'
import type { Route } from 'millrace/protocol'
import { compactMetadata } from 'millrace/protocol/rsocket'
import { describe, expect, it } from 'vitest'
import { MAX_ROUTES } from '../../src/protocol/rsocket/compact-metadata.js'
import { joined } from '../support/raw-frame.js'
import { routeMetadata, text } from '../support/raw-peer.js'
import { thrownBy } from '../support/thrown-by.js'

const seed = 7
const names = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,20}$/)
const values = fc.string({ unit: 'binary', maxLength: 60 })
const headers: fc.Arbitrary<Header> = fc.dictionary(names, values, { maxKeys: 20 }).map(header)
const routes = fc.record({ contract: names, version: names, endpoint: names })
const requests = fc.record({
  route: fc.nat(9),
  remainingMs: fc.option(fc.nat(0xffff_ffff), { nil: undefined }),
  header: headers,
  hasBody: fc.boolean(),
  oneReply: fc.boolean(),
})

describe('metadata of requests', () => {
  it('is read as it was written', () => {
    const property = fc.property(
      fc.array(routes, { minLength: 10, maxLength: 10 }),
      fc.array(requests),
      (known, calls) => {
        const writer = compactMetadata().open()
        const reader = compactMetadata().open()

        for (const { route: index, ...rest } of calls) {
          const route = known[index] as Route
          const { remainingMs, header: entries, hasBody, oneReply } = rest
          // A request with a body has no need to say how many replies there are: it is no channel.
          const bytes = writer.writeRequest(route, remainingMs, entries, hasBody, oneReply && !hasBody)
          const read = reader.readRequest(joined([1, 2], bytes, [3]), 2, 2 + bytes.length)

          expect(read).toEqual({ ...rest, route, oneReply: oneReply && !hasBody, dataType: undefined, acceptTypes: [] })
        }
      },
    )

    fc.assert(property, { seed, numRuns: 60 })
  })

  it('takes two bytes for a route that is known', () => {
    const writer = compactMetadata().open()
    const route: Route = { contract: 'words', version: '1.0.0', endpoint: 'count' }
    const first = writer.writeRequest(route, undefined, emptyHeader, true, false)

    const second = writer.writeRequest(route, undefined, emptyHeader, true, false)

    expect([first.length, second]).toEqual([2 + 6 + 6 + 6, Uint8Array.of(0, 1)])
  })

  it('spells routes out once their ids are used up', () => {
    const writer = compactMetadata().open()
    const reader = compactMetadata().open()
    const read = (index: number): Route => {
      const route = { contract: `c${index}`, version: '1', endpoint: 'e' }
      const bytes = writer.writeRequest(route, undefined, emptyHeader, true, false)
      return reader.readRequest(bytes, 0, bytes.length).route
    }
    for (let index = 0; index < MAX_ROUTES; index++) read(index)

    const beyond = [MAX_ROUTES, MAX_ROUTES + 1, MAX_ROUTES].map(index => read(index).contract)

    expect(beyond).toEqual([`c${MAX_ROUTES}`, `c${MAX_ROUTES + 1}`, `c${MAX_ROUTES}`])
  })

  it('gives one route object an endpoint', () => {
    const reader = compactMetadata().open()
    const spelled = routeMetadata('a', 0, 5)

    const [first, again, known] = [spelled, spelled, Uint8Array.of(0, 5)].map(
      bytes => reader.readRequest(bytes, 0, bytes.length).route,
    )

    expect(again).toBe(first)
    expect(known).toBe(first)
  })

  it('is that of the route it spells out', () => {
    const reader = compactMetadata().open()
    const [first, second] = [routeMetadata('a', 0, 5), routeMetadata('b', 0, 5)]
    reader.readRequest(first, 0, first.length)

    const { route } = reader.readRequest(second, 0, second.length)

    expect(route.endpoint).toBe('b')
  })

  const long = 'x'.repeat(255)
  it.each([
    ['no bytes', []],
    ['bits alone', [0]],
    ['an id of six bytes', [0, 0x80, 0x80, 0x80, 0x80, 0x80, 1]],
    ['a route cut short', [...routeMetadata('abc')].slice(0, -1)],
    ['a route id above the limit', [1, 0x81, 8, ...text('a'), ...text('b'), ...text('c')]],
    ['a name of 256 bytes', [1, 0, 0x80, 2, ...text(long), 65, ...text('b'), ...text('c')]],
    ['a name that is not UTF-8', [1, 0, 1, 0xff, ...text('b'), ...text('c')]],
    ['a name longer than there are bytes', [1, 0, 100, 65]],
    ['a deadline that does not end', [...routeMetadata('a', 2), 0xff]],
    ['more header entries than allowed', [...routeMetadata('a', 4), 65]],
    ['a header cut short', [...routeMetadata('a', 4), 2, ...text('a'), ...text('b')]],
    ['a header value above the limit', [...routeMetadata('a', 4), 1, ...text('a'), 0xff, 0xff, 0x7f]],
    ['bytes behind its end', [...routeMetadata('a'), 0]],
  ])('is refused as %s', (_, bytes) => {
    const error = thrownBy(() => compactMetadata().open().readRequest(Uint8Array.from(bytes), 0, bytes.length))

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_metadata' })
  })

  it('takes the largest header that can be made', () => {
    const names = Array.from({ length: 64 }, (_, index) => `name-${index}`.padEnd(12, 'x'))
    const largest = header(Object.fromEntries(names.map(name => [name, 'v'.repeat(116)])))

    const bytes = compactMetadata().open().writeHeader(largest)

    expect(compactMetadata().open().readHeader(bytes, 0, bytes.length)).toEqual(largest)
    expect(() => header({ ...largest, 'name-0xxxxxx': 'v'.repeat(117) })).toThrow('8193 bytes')
  })

  it('is refused with a header of too many bytes', () => {
    const entry = [...text('a'), 0x80, 0x20, ...new Uint8Array(4096).fill(65)]
    const bytes = Uint8Array.from([...routeMetadata('a', 4), 2, ...entry, ...entry])

    const error = thrownBy(() => compactMetadata().open().readRequest(bytes, 0, bytes.length))

    expect(error.rawMessage).toContain('8192')
  })

  it('is refused with a route that was never spelled out', () => {
    const error = thrownBy(() => compactMetadata().open().readRequest(Uint8Array.of(0, 1), 0, 2))

    expect(error).toMatchObject({ code: 'UNIMPLEMENTED', reason: 'unknown_route' })
  })

  it('has names that are only names', () => {
    const bytes = Uint8Array.from([
      ...routeMetadata('a', 4),
      2,
      ...text('__proto__'),
      ...text('x'),
      ...text('constructor'),
      ...text('y'),
    ])

    const read = compactMetadata().open().readRequest(bytes, 0, bytes.length).header

    expect(Object.entries(read)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ])
    expect(Object.getPrototypeOf(read)).toBeNull()
  })

  it('never fails with anything but an RpcError', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
      for (const read of [
        () => compactMetadata().open().readRequest(bytes, 0, bytes.length),
        () => compactMetadata().open().readItem(bytes, 0, bytes.length),
        () => compactMetadata().open().readHeader(bytes, 0, bytes.length),
      ]) {
        try {
          read()
        } catch (error) {
          expect(RpcError.is(error)).toBe(true)
        }
      }
    })

    fc.assert(property, { seed, numRuns: 2000 })
  })
})

describe('metadata of items', () => {
  it('is read as it was written', () => {
    const property = fc.property(headers, fc.boolean(), (entries, hasBody) => {
      const bytes = compactMetadata().open().writeItem(entries, hasBody)

      if (bytes === undefined) expect([{ ...entries }, hasBody]).toEqual([{}, true])
      else expect(compactMetadata().open().readItem(bytes, 0, bytes.length)).toEqual({ header: entries, hasBody })
    })

    fc.assert(property, { seed, numRuns: 200 })
  })
})

describe('a header', () => {
  it('is read as it was written', () => {
    const property = fc.property(headers, entries => {
      const bytes = compactMetadata().open().writeHeader(entries)

      expect(compactMetadata().open().readHeader(bytes, 0, bytes.length)).toEqual(entries)
    })

    fc.assert(property, { seed, numRuns: 200 })
  })

  it('keeps a byte order mark', () => {
    const bytes = compactMetadata()
      .open()
      .writeHeader(header({ a: '\uFEFFb' }))

    expect({ ...compactMetadata().open().readHeader(bytes, 0, bytes.length) }).toEqual({ a: '\uFEFFb' })
  })
})
