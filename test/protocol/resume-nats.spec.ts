import { silentLog } from 'millrace/core'
import type { Binding, Connection } from 'millrace/protocol'
import { rsocket } from 'millrace/protocol/rsocket'
import { natsConnection, natsTransport, type NatsConnection } from 'millrace/transport/nats'
import { firstValueFrom, lastValueFrom, range, mergeMap, Subject, switchMap, timeout, toArray } from 'rxjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { meddled, type Meddle } from '../support/altered-links.js'
import { Conversation, heardInFull, type Transcript } from '../support/conversation.js'
import { startNats, type NatsServer } from '../support/nats-server.js'

const DATA = 4

/** What NATS does to one message. */
type Fault = 'lost' | 'repeated' | 'late'

let server: NatsServer
let connection: NatsConnection

beforeAll(async () => {
  server = await startNats({ jetStream: false })
  connection = natsConnection({ servers: [server.address], log: silentLog, idleMs: 600_000 })
})

afterAll(() => server.stop())

/** Counts the data messages that were sent, of all connections, and lets `fault` happen to one. */
function faulty(fault: Fault, place: number): { readonly meddle: Meddle; readonly count: () => number } {
  let count = 0
  let late: (() => void) | undefined
  const meddle: Meddle = (payload, send) => {
    if (payload[0] !== DATA) return send()
    const isMeant = count++ === place
    if (isMeant && fault === 'late') late = send
    else if (isMeant && fault === 'repeated') [send, send].forEach(each => each())
    else if (!isMeant) {
      send()
      late?.()
      late = undefined
    }
  }
  return { meddle, count: () => count }
}

/** Holds a conversation over NATS, to whose messages `meddle` may do something. */
async function conversing(meddle: Meddle): Promise<Transcript> {
  const options = { resume: {}, keepAliveMs: 50, fragmentBytes: 128, window: 4, log: silentLog }
  const protocol = rsocket(natsTransport(meddled(connection, meddle)), options)
  const conversation = new Conversation()
  const bindings = new Subject<Binding>()
  const bound = firstValueFrom(bindings)
  const listening = protocol.listen(':0', remote => conversation.server(remote)).subscribe(bindings)
  const connection$ = protocol.connect((await bound).address, { serve: conversation.client() })
  const heard$ = connection$.pipe(
    switchMap((opened: Connection) => conversation.over(opened)),
    timeout(10_000),
  )
  try {
    return await firstValueFrom(heard$)
  } finally {
    listening.unsubscribe()
  }
}

describe('a session over NATS', () => {
  it.each(['lost', 'repeated', 'late'] as const)('goes on when any message is %s', async fault => {
    const whole = faulty(fault, Infinity)
    await conversing(whole.meddle)

    const at = async (place: number): Promise<unknown> => [
      place,
      await conversing(faulty(fault, place).meddle).catch(String),
    ]
    const heard = await lastValueFrom(range(0, whole.count()).pipe(mergeMap(at, 8), toArray()))

    expect(whole.count()).toBeGreaterThan(10)
    for (const [place, transcript] of heard as [number, unknown][])
      expect([place, transcript]).toEqual([place, heardInFull])
  })
})
