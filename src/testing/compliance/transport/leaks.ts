import { eventually } from '../waiting.js'
import { connect, failureOf } from './connect.js'
import { receive } from './inbox.js'
import { overTransport, type TransportCheck } from './transport-check.js'

/** What is left when all has ended. */
export const leaks: readonly TransportCheck[] = [
  overTransport('leaves nothing open', async ({ transport, anyAddress, deadAddress, openResources }, patienceMs) => {
    const before = openResources()

    const graceful = await connect(transport, anyAddress, patienceMs)
    const abrupt = await connect(transport, anyAddress, patienceMs)
    const inboxes = [graceful.server, abrupt.client, abrupt.server].map(socket => receive(socket, patienceMs))
    graceful.client.close()
    abrupt.dialing.unsubscribe()
    transport.dial(abrupt.listener.address).subscribe().unsubscribe()
    await failureOf(transport.dial(deadAddress), patienceMs)
    for (const inbox of inboxes) await inbox.ended()
    graceful.listening.unsubscribe()
    abrupt.listening.unsubscribe()

    await eventually(() => openResources() <= before, patienceMs, 'the end of timers and handles')
  }),
]
