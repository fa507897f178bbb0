import { pack, unpack } from 'msgpackr'
import { AckPolicy, connect, headers, nuid, StorageType, type MsgHdrs } from 'nats'
import type { LoopObserver, Publish, Stamped } from './broker-client.js'

/** The yardsticks: the `nats` client and msgpackr with nothing between, as its documentation has it for speed. */
/** Two, for a stream would keep what goes over core NATS, too. */
const CORE_SUBJECT = 'bare-nats.items'
const STREAM_SUBJECT = 'bare-jetstream.items'
const STREAM = 'bare'
const IN_FLIGHT = 256
const ID = 'Nats-Msg-Id'

/** Core NATS: a subscription with a callback; what is published in one turn is confirmed by one flush. */
export async function bareNats(address: string, observer: LoopObserver): Promise<Publish> {
  const connection = await connect({ servers: address })
  connection.subscribe(CORE_SUBJECT, {
    callback: (_error, message) => observer.received(unpack(message.data) as Stamped, message.headers?.get(ID) ?? ''),
  })
  await connection.flush()
  let unconfirmed = 0
  const flush = (): void => {
    const count = unconfirmed
    unconfirmed = 0
    void connection.flush().then(() => observer.confirmed(count))
  }
  return item => {
    connection.publish(CORE_SUBJECT, pack(item), { headers: headersOf(nuid.next()) })
    if (unconfirmed++ === 0) queueMicrotask(flush)
  }
}

/** JetStream: publishing by `js.publish`, a durable consumer by `consume` with a callback, which acknowledges. */
export async function bareJetStream(address: string, observer: LoopObserver): Promise<Publish> {
  const connection = await connect({ servers: address })
  const manager = await connection.jetstreamManager()
  await manager.streams.add({ name: STREAM, subjects: [STREAM_SUBJECT], storage: StorageType.File })
  await manager.consumers.add(STREAM, { durable_name: 'items', ack_policy: AckPolicy.Explicit, max_ack_pending: -1 })
  const jetStream = connection.jetstream()
  const consumer = await jetStream.consumers.get(STREAM, 'items')
  await consumer.consume({
    max_messages: IN_FLIGHT,
    callback: message => {
      observer.received(unpack(message.data) as Stamped, message.headers?.get(ID) ?? '')
      message.ack()
    },
  })
  return item => {
    const id = nuid.next()
    void jetStream
      .publish(STREAM_SUBJECT, pack(item), { msgID: id, headers: headersOf(id) })
      .then(() => observer.confirmed(1))
  }
}

function headersOf(id: string): MsgHdrs {
  const result = headers()
  result.set(ID, id)
  result.set('content-type', 'application/x-msgpack')
  return result
}
