import { contract, topic, unary, unchecked } from 'millrace'
import * as z from 'zod'

/** What a customer wants. */
export type Order = z.infer<typeof Order>
const Order = z.object({ id: z.string().min(1), customer: z.string().min(1), cents: z.number().int().positive() })

/** What has been done for an order. */
export type Done = z.infer<typeof Done>
const Done = z.object({ id: z.string().min(1) })

/** Takes orders: the reply is the id, once the broker has the order. The same order may be placed again. */
export const Orders = contract('orders', {
  place: unary({ request: Order, reply: unchecked<string>(), idempotent: true }),
})

/** An order is there. */
export const OrderPlaced = topic('orders.placed', Order, { key: order => order.customer })
/** An order is billed. */
export const OrderBilled = topic('orders.billed', Done)
/** An order is on its way. */
export const OrderShipped = topic('orders.shipped', Done)
