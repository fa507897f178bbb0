import { json } from 'millrace/codec'
import { header, messageOf } from 'millrace/core'
import { describe, expect, it } from 'vitest'
import { goMicroEnvelope } from '../../src/broker/nats/go-micro-envelope.js'
import { thrownBy } from '../support/thrown-by.js'

/** What go-micro's publishers send: v4.10 and later, and those before. */
const recorded = [
  '{"Header":{"Content-Type":"application/json","Micro-ID":"3b1e6b0e-8d0a-4f43-9a5b-1a7a6f0ff5a1","Micro-Topic":"orders","Tenant":"mill"},"Body":"eyJpZCI6N30K"}',
  '{"Header":{"Content-Type":"application/json","Micro-Id":"3b1e6b0e-8d0a-4f43-9a5b-1a7a6f0ff5a1","Micro-Topic":"orders","tenant":"mill"},"Body":"eyJpZCI6N30K"}',
  '{"header":{"content-type":"application/json","micro-id":"3b1e6b0e-8d0a-4f43-9a5b-1a7a6f0ff5a1","micro-topic":"orders","TENANT":"mill"},"body":"eyJpZCI6N30K"}',
]

const noFacts = { id: undefined, key: undefined, publishedAt: undefined }
const envelopeOf = (text: string): { header: ReturnType<typeof header>; payload: Uint8Array } => ({
  header: header({}),
  payload: new TextEncoder().encode(text),
})

describe('goMicroEnvelope', () => {
  it.each(recorded)('reads %s', text => {
    const envelope = goMicroEnvelope(json())

    const facts = envelope.facts(envelopeOf(text))
    const message = envelope.read(envelopeOf(text))

    expect(facts).toEqual({ ...noFacts, id: '3b1e6b0e-8d0a-4f43-9a5b-1a7a6f0ff5a1' })
    expect(message.body).toEqual({ id: 7 })
    expect({ ...message.header }).toEqual({ tenant: 'mill' })
  })

  it('writes what go-micro reads', () => {
    const message = { header: header({ 'trace-id': 'x' }), body: { id: 7 } }

    const written = goMicroEnvelope(json()).write('orders', message, { ...noFacts, id: 'a' })

    expect({ ...written.header }).toEqual({})
    expect(JSON.parse(new TextDecoder().decode(written.payload))).toEqual({
      Header: { 'Content-Type': 'application/json', 'Micro-Id': 'a', 'Micro-Topic': 'orders', 'Trace-Id': 'x' },
      Body: 'eyJpZCI6N30=',
    })
  })

  it.each([
    ['a body', { id: 7 }],
    ['no body', undefined],
  ])('reads what it wrote: %s', (_, body) => {
    const envelope = goMicroEnvelope(json())
    const message = { header: header({ 'trace-id': 'ü' }), body }
    const facts = { id: 'a', key: 'k', publishedAt: 1_700_000_000_123 }

    const written = envelope.write('orders', message, facts)

    expect(envelope.facts(written)).toEqual(facts)
    expect(envelope.read(written)).toEqual(message)
  })

  it.each([
    '',
    '7',
    'null',
    '[]',
    '{"Header":7}',
    '{"Header":{"a":1}}',
    '{"Body":7}',
    '{"Body":"*"}',
    '{"Body":"bm8="}',
  ])('refuses %s', text => {
    const envelope = goMicroEnvelope(json())

    const error = thrownBy(() => envelope.read(envelopeOf(text)))

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'not_decodable' })
    expect(envelope.facts(envelopeOf(text))).toEqual(noFacts)
  })

  it('refuses header entries that it needs itself', () => {
    const message = { ...messageOf(1), header: header({ 'micro-topic': 'x' }) }

    const error = thrownBy(() => goMicroEnvelope(json()).write('orders', message, noFacts))

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_header' })
  })

  it('reads names as nothing but names', () => {
    const text = '{"Header":{"__proto__":"a","constructor":"b"},"__proto__":{"Body":"*"}}'

    const { header: entries } = goMicroEnvelope(json()).read(envelopeOf(text))

    expect(Object.entries(entries)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ])
  })
})
