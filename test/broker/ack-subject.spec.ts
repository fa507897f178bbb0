import { describe, expect, it } from 'vitest'
import { ackSubject, readAckSubject } from '../../src/broker/nats/ack-subject.js'

describe('readAckSubject', () => {
  const told = { attempt: 2, sequence: 40, delivery: 7, appendedAt: 1_700_000_000_123, pending: 3 }

  it('reads what servers send, with domain and account or without', () => {
    const subjects = [
      '$JS.ACK.orders.billing.2.40.7.1700000000123456789.3',
      '$JS.ACK.hub.ACCOUNT.orders.billing.2.40.7.1700000000123456789.3.x1',
    ]

    expect(subjects.map(readAckSubject)).toEqual([told, told])
  })

  it.each(['', 'orders', '$JS.ACK.orders.billing', '$JS.ACK.a.b.1.x.1.1.1', '$JS.ACK.a.b.1.0.1.1.1'])(
    'reads nothing in %j',
    subject => {
      expect(readAckSubject(subject)).toBeUndefined()
    },
  )

  it('reads what ackSubject writes', () => {
    const subject = ackSubject('orders', 'billing', { sequence: 40, delivery: 7 })

    expect(readAckSubject(subject)).toMatchObject({ sequence: 40, delivery: 7 })
  })
})
