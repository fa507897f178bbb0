import { messageOf, silentLog } from 'millrace/core'
import type { Connection } from 'millrace/protocol'
import { rsocket } from 'millrace/protocol/rsocket'
import { tcp } from 'millrace/transport/tcp'
import { BehaviorSubject, NEVER, of } from 'rxjs'
import { afterEach, describe, expect, it } from 'vitest'
import { certificate, identity } from '../support/certificates.js'
import { CuttingProxy } from '../support/cutting-proxy.js'
import { eventually } from '../support/deadline.js'
import { first } from '../support/first.js'
import { record } from '../support/recording.js'
import { answering, single } from '../support/virtual-wire.js'

const PATIENCE_MS = 5000
const ca = certificate('authority')
const cleanups: (() => void)[] = []

afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup()
})

/** A client with a certificate that may change, whose first connection is cut behind its first bytes. */
async function cutConnection(identities: BehaviorSubject<ReturnType<typeof identity>>) {
  const remotes: Connection[] = []
  const options = { log: silentLog, resume: { sessionMs: PATIENCE_MS } }
  const server = tcp({ tls: { identity: identity('server'), ca, requireClientCertificate: true, log: silentLog } })
  const handlers = answering({ echo: ({ body }: { body: unknown }) => of(messageOf(body)), never: () => NEVER })
  const listening = record(
    rsocket(server, options).listen('127.0.0.1:0', remote => {
      remotes.push(remote)
      return handlers
    }),
  )
  cleanups.push(() => listening.subscription.unsubscribe())
  await eventually(() => listening.values.length > 0, PATIENCE_MS, 'listening')
  const proxy = new CuttingProxy(Number(first(listening.values).address.split(':')[1]), [
    { toward: 'server', bytes: 6000 },
  ])
  cleanups.push(() => void proxy.close())
  const address = await proxy.listen()
  const connecting = record(rsocket(tcp({ tls: { identity: identities, ca } }), options).connect(address))
  cleanups.push(() => connecting.subscription.unsubscribe())
  await eventually(() => connecting.values.length > 0 && remotes.length > 0, PATIENCE_MS, 'connected')
  return { client: first(connecting.values), server: first(remotes), connecting }
}

describe('peerCertificate', () => {
  it('is what the other end has proven', async () => {
    const { client, server } = await cutConnection(new BehaviorSubject(identity('client')))

    expect([client.peerCertificate?.subject, server.peerCertificate?.subject]).toEqual(['CN=server', 'CN=client'])
  })

  it('lets its owner resume a session', async () => {
    const { client } = await cutConnection(new BehaviorSubject(identity('client')))

    const reply = record(client.call(single('unary', 'echo', 'x'.repeat(10_000))))
    await eventually(() => reply.completed, PATIENCE_MS, 'the reply')

    expect(reply.values).toHaveLength(1)
  })

  it('lets nobody else resume it', async () => {
    const identities = new BehaviorSubject(identity('client'))
    const { client, connecting } = await cutConnection(identities)

    identities.next(identity('renewed'))
    const reply = record(client.call(single('unary', 'echo', 'x'.repeat(10_000))))
    await eventually(() => connecting.error !== undefined, PATIENCE_MS, 'the end')

    expect(reply.error).toMatchObject({ code: 'UNAVAILABLE', reason: 'resume_rejected' })
    expect(reply.error?.message).toContain('certificate of another')
  })
})
