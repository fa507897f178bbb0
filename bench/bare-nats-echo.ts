import { pack, unpack } from 'msgpackr'
import { connect, type Msg } from 'nats'

/** The yardstick of calls over NATS: request and reply of the `nats` client and msgpackr with nothing between. */
const SUBJECT = 'bare.echo'
const REQUEST_TIMEOUT_MS = 60_000

/** Answers each request with what it brought. */
export async function serveBareNats(server: string, listening: (address: string) => void): Promise<void> {
  const connection = await connect({ servers: server })
  connection.subscribe(SUBJECT, { callback: (_error, message) => message.respond(pack(unpack(message.data))) })
  await connection.flush()
  listening(server)
}

/** A caller of the echo: `call(value, answered)`. */
export async function bareNatsCaller(server: string): Promise<(value: unknown, answered: () => void) => void> {
  const connection = await connect({ servers: server })
  const read = ({ data }: Msg): unknown => unpack(data)
  return (value, answered) => {
    void connection.request(SUBJECT, pack(value), { timeout: REQUEST_TIMEOUT_MS }).then(read).then(answered)
  }
}
