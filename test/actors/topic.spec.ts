import { topic } from 'millrace/actors'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { thrownBy } from '../support/thrown-by.js'

describe('topic', () => {
  it('is a frozen value with name, schema and key', () => {
    const schema = z.object({ id: z.string() })
    const key = (order: { readonly id: string }) => order.id

    const OrderPlaced = topic('orders.placed', schema, { key })

    expect(OrderPlaced).toEqual({ name: 'orders.placed', schema, key })
    expect(Object.isFrozen(OrderPlaced)).toBe(true)
  })

  it.each(['orders', 'orders.*', '*.placed', 'orders.>', '>'])('takes the name %s', name => {
    expect(topic(name).name).toBe(name)
  })

  it.each(['', '.', 'a..b', 'a b', 'orders.>.x', 'a*', 'a'.repeat(256)])('refuses the name %j', name => {
    expect(thrownBy(() => topic(name))).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_topic' })
  })

  it('lists every wrong option', () => {
    const make = () => topic('orders', {} as never, { key: 'id', kee: 1 } as never)

    expect(thrownBy(make)).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_options' })
    expect(thrownBy(make).details).toHaveLength(3)
  })
})
