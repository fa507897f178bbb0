import { header, messageOf, RpcError } from 'millrace/core'
import { bytes, json } from 'millrace/codec'
import { describe, expect, it } from 'vitest'
import { nativeEnvelope } from '../../src/broker/native-envelope.js'
import { thrownBy } from '../support/thrown-by.js'

const noFacts = { id: undefined, key: undefined, publishedAt: undefined }
const text = new TextDecoder()

describe('nativeEnvelope', () => {
  it('writes the body alone as the payload', () => {
    const { payload } = nativeEnvelope(json()).write('orders', messageOf({ id: 7 }), noFacts)

    expect(text.decode(payload)).toBe('{"id":7}')
  })

  it('says everything else in header entries', () => {
    const message = { header: header({ tenant: 'mill' }), body: 1 }
    const facts = { id: 'a', key: 'order-7', publishedAt: 1_700_000_000_123 }

    const written = nativeEnvelope(json()).write('orders', message, facts)

    expect({ ...written.header }).toEqual({
      'content-type': 'application/json',
      'nats-msg-id': 'a',
      'millrace-key': 'order-7',
      'millrace-time': '1700000000123',
      tenant: 'mill',
    })
  })

  it('reads what it wrote', () => {
    const envelope = nativeEnvelope(json())
    const message = { header: header({ tenant: 'mill' }), body: ['a', 1] }
    const facts = { id: 'a', key: 'k', publishedAt: 1.5 }

    const written = envelope.write('orders', message, facts)

    expect(envelope.facts(written)).toEqual(facts)
    expect(envelope.read(written)).toEqual(message)
  })

  it.each([
    ['no body', undefined],
    ['an empty body', new Uint8Array(0)],
  ])('keeps %s', (_, body) => {
    const envelope = nativeEnvelope(bytes())

    const written = envelope.write('orders', messageOf(body), noFacts)

    expect(envelope.read(written).body).toEqual(body)
  })

  it('reads messages of other publishers', () => {
    const payload = new TextEncoder().encode('{"id":7}')
    const written = { header: header({ 'content-type': 'text/json', 'millrace-time': 'soon' }), payload }

    const { facts, read } = nativeEnvelope(json())

    expect(facts(written)).toEqual(noFacts)
    expect(read(written)).toEqual(messageOf({ id: 7 }))
  })

  it.each(['content-type', 'millrace-key', 'nats-msg-id'])('refuses an entry named %s', name => {
    const message = { header: header({ [name]: 'x' }), body: 1 }

    const error = thrownBy(() => nativeEnvelope(json()).write('orders', message, noFacts))

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_header' })
  })

  it('leaves unreadable payloads to the codec', () => {
    const written = { header: header({}), payload: new Uint8Array([0xff]) }

    const error = thrownBy(() => nativeEnvelope(json()).read(written))

    expect(RpcError.is(error) && error.reason).toBe('not_decodable')
  })
})
