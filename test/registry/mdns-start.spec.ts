import { createService, type Status } from 'millrace/actors'
import { silentLog } from 'millrace/core'
import { rsocket } from 'millrace/protocol/rsocket'
import { mdns } from 'millrace/registry/mdns'
import { tcp } from 'millrace/transport/tcp'
import { websocket } from 'millrace/transport/websocket'
import { filter, firstValueFrom } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { clock } from './clock.js'

/** Of no machine (RFC 5737). */
const NOWHERE = '203.0.113.7'

/** The first word that a service is not registered. */
function unregistered(options: Omit<Parameters<typeof createService>[0], 'actors'>): Promise<Status> {
  const service = createService({ actors: [clock], signals: [], log: silentLog, ...options })
  return firstValueFrom(service.run().pipe(filter(({ state }) => state === 'unregistered')))
}

describe('createService', () => {
  it('says that an interface has no multicast', async () => {
    const registry = mdns({ interface: NOWHERE, log: silentLog })

    const status = await unregistered({ protocol: rsocket(tcp()), registry, address: '127.0.0.1:0' })

    expect(status).toMatchObject({ error: { code: 'UNAVAILABLE', reason: 'mdns_unavailable' } })
    expect(status).toHaveProperty('error.message', expect.stringContaining(`${NOWHERE}: bind EADDRNOTAVAIL`))
  })

  it('asks for an address that others can dial', async () => {
    const registry = mdns({ loopbackOnly: true, log: silentLog })

    const status = await unregistered({ protocol: rsocket(websocket()), registry, address: 'ws://127.0.0.1:0/words' })

    expect(status).toMatchObject({ error: { code: 'INVALID_ARGUMENT', reason: 'invalid_instance' } })
    expect(status).toHaveProperty('error.message', expect.stringContaining('give one as advertise'))
  })
})
