import { actor, eventBus } from 'millrace'
import { map } from 'rxjs'
import { OrderPlaced, Orders } from './contracts.js'
import { serve, settings } from './serve.js'

const { broker, run } = settings()
const bus = eventBus(broker)

const orders = actor(Orders, {
  // The id of the order is that of the message: an order that is placed twice is published once.
  place: order => bus.publish(OrderPlaced, order, { id: order.id }).pipe(map(({ id }) => id)),
})

serve(orders, broker, `orders-${run}`)
