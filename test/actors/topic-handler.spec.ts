import { on, onEvents, topic } from 'millrace/actors'
import { EMPTY } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { thrownBy } from '../support/thrown-by.js'

const OrderPlaced = topic<string>('orders.placed')
const nothing = () => EMPTY

describe('on', () => {
  it('refuses to acknowledge values by hand', () => {
    const error = thrownBy(() => on(OrderPlaced, nothing, { ack: 'manual' } as never))

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_options' })
  })

  it.each([{ window: 0 }, { queue: '' }, { windows: 1 }])('refuses the options %j', options => {
    const error = thrownBy(() => on(OrderPlaced, nothing, options))

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_options' })
  })
})

describe('onEvents', () => {
  it.each([{}, { ack: 'manual' }, { queue: false }, { queue: 'shared' }] as const)('takes the options %j', options => {
    expect(onEvents(OrderPlaced, nothing, options)).toMatchObject({ topic: OrderPlaced, options })
  })
})
