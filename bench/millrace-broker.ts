import { messageOf } from 'millrace/core'
import { jetstreamBroker, natsBroker, natsConnection } from 'millrace/broker/nats'
import { filter, firstValueFrom } from 'rxjs'
import type { LoopObserver, Publish, Stamped } from './broker-client.js'

/** A broker of ours over a connection of its own, with one subscriber. */
export async function millraceBroker(
  address: string,
  observer: LoopObserver,
  engine: 'nats' | 'jetstream',
): Promise<Publish> {
  const topic = `millrace-${engine}.items` // a stream would keep what goes over core NATS, too
  const connection = natsConnection({ servers: [address] })
  const broker =
    engine === 'nats' ? natsBroker(connection) : jetstreamBroker(connection, { stream: 'millrace', subjects: [topic] })
  broker
    .subscribe(topic, engine === 'nats' ? {} : { queue: 'items' })
    .subscribe(({ message, id }) => observer.received(message.body as Stamped, id))
  await firstValueFrom(broker.status$.pipe(filter(({ state }) => state === 'connected')))
  await new Promise(resolve => setTimeout(resolve, 500)) // the server knows of the subscription
  const confirmed = { complete: () => observer.confirmed(1) }
  return item => void broker.publish(topic, messageOf(item)).subscribe(confirmed)
}
