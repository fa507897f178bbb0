import { runCheck, transportChecks, type TransportSetup } from 'millrace/testing/compliance'
import { memoryTransport, type Transport } from 'millrace/transport'
import { describe, expect, it } from 'vitest'
import * as broken from './broken-transports.js'
import { flawsOfTransports } from './flaws-of-transports.js'

/** A flaw, and a check that must not let it pass. */
const flaws: readonly (readonly [flaw: (transport: Transport) => Transport, check: string])[] = [
  [broken.droppingLastFrame, 'delivers what was sent before close'],
  [broken.reordering, 'keeps the order of frames sent in one turn'],
  [broken.synchronous, 'delivers nothing before send returns'],
  [broken.deliveringAfterClose, 'delivers nothing after close'],
  [broken.deliveringAfterClose, 'sends nothing after close'],
  [broken.neverWritable, 'says writable once the peer has read'],
  [broken.neverWritable, 'completes everything at both ends after close'],
  [broken.unbounded, 'holds the sender of a peer that does not read'],
  [broken.reusingMemory, 'never writes the bytes of a frame again'],
  [broken.ignoringUnsubscription, 'ends both when inbound is unsubscribed'],
  [broken.sendingHalfWritten, 'is as before when a writer throws'],
  [broken.listeningForever, 'listens again where a listener has gone'],
  [broken.listeningForever, 'keeps sockets when the listener goes'],
  [broken.silentlyRefused, 'fails to connect where nobody listens'],
  [broken.silentlyRefused, 'refuses addresses that are none'],
]

describe('transportChecks', () => {
  it('have titles of their own', () => {
    const titles = transportChecks.map(({ title }) => title)

    expect(new Set(titles).size).toBe(titles.length)
  })

  it.each(flaws.map(([flaw, title]) => ({ flaw, name: flaw.name, title })))(
    '$name fails: $title',
    async ({ flaw, title }) => {
      const check = transportChecks.find(each => each.title === title)

      const outcome = check && runCheck(check, over(flaw))

      await expect(outcome).rejects.toThrow()
    },
  )

  it.concurrent.each(Object.entries(flawsOfTransports))(
    'notice a transport that is broken: %s',
    async (title, flaw) => {
      const check = transportChecks.find(each => each.title === title)

      const outcome = check && runCheck(check, over(flaw))

      await expect(outcome).rejects.toThrow()
    },
  )

  it('all have a transport that fails them', () => {
    const tried = new Set([...flaws.map(([, title]) => title), ...Object.keys(flawsOfTransports)])

    const untried = transportChecks.map(({ title }) => title).filter(title => !tried.has(title))

    expect(untried).toEqual(['leaves nothing open'])
  })

  it('tell a timer left behind', async () => {
    let leaked = 0
    const check = transportChecks.find(({ title }) => title === 'leaves nothing open')

    const outcome = check?.run({ ...over(transport => transport), openResources: () => leaked++ })

    await expect(outcome).rejects.toThrow('the end of timers and handles')
  })
})

function over(flaw: (transport: Transport) => Transport): TransportSetup {
  return {
    transport: flaw(memoryTransport()),
    anyAddress: 'memory:',
    deadAddress: 'memory:nobody',
    invalidAddresses: ['nobody'],
    openResources: () => 0,
    patienceMs: 200,
  }
}
