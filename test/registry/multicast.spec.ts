import { silentLog, systemRuntime, type LogEvent } from 'millrace/core'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { NetworkInterfaceInfo } from 'node:os'
import type { Subscription } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { multicastPort } from '../../src/registry/mdns/multicast.js'
import type { DnsPacket, DnsRecord, PacketLink } from '../../src/registry/mdns/packet.js'
import { placesOf, type Interfaces } from '../../src/registry/mdns/places.js'
import { skippedRecords } from '../../src/registry/skipped-records.js'
import { eventually } from '../support/deadline.js'

const MS = 5000
const QUESTION: DnsPacket = { type: 'query', questions: [{ name: 'words.micro', type: 'PTR' }] }
const POINTER: DnsRecord = { type: 'PTR', name: 'words.micro', ttl: 10, data: 'a.words.micro' }
/** Query 0x1234 for the pointers of words.micro, as it is on the wire. */
const ASKED = Buffer.from('12340000000100000000000005776f726473056d6963726f00000c0001', 'hex')
const NOT_OURS = '203.0.113.7'

describe('multicastPort', () => {
  let stranger: Socket
  let senders: string[]
  let using: Using

  beforeEach(async () => {
    senders = []
    stranger = createSocket({ type: 'udp4', reuseAddr: true }).bind(0)
    await once(stranger, 'listening')
    stranger.addMembership('224.0.0.251', '127.0.0.1')
    stranger.on('message', (_, { address }: RemoteInfo) => senders.push(address))
  })

  afterEach(() => {
    using.subscription.unsubscribe()
    stranger.close()
  })

  it('sends by every interface', async () => {
    using = use(stranger, { one: [v4('127.0.0.1')], two: [v4('127.0.0.2')] })
    await eventually(() => using.links.length === 1, MS, 'a link')

    using.links[0]?.send(QUESTION).subscribe()

    await eventually(() => senders.length === 2, MS, 'two packets')
    expect(senders.toSorted()).toEqual(['127.0.0.1', '127.0.0.2'])
  })

  it('emits again when an interface has come', async () => {
    using = use(stranger, { one: [v4('127.0.0.1')] })
    await eventually(() => using.links.length === 1, MS, 'a link')

    using.present = { one: [v4('127.0.0.1')], two: [v4('127.0.0.2')] }
    await eventually(() => using.links.length === 2, MS, 'the link again')
    using.links[1]?.send(QUESTION).subscribe()

    await eventually(() => senders.length === 2, MS, 'two packets')
    expect(senders.toSorted()).toEqual(['127.0.0.1', '127.0.0.2'])
  })

  it('sends by an interface no more that has gone', async () => {
    using = use(stranger, { one: [v4('127.0.0.1')], two: [v4('127.0.0.2')] })
    await eventually(() => using.links.length === 1, MS, 'a link')
    using.present = { two: [v4('127.0.0.2')] }
    using.looked = 0
    await eventually(() => using.looked > 1, MS, 'a look at the interfaces')

    using.links[0]?.send(QUESTION).subscribe()

    await eventually(() => senders.length > 0, MS, 'a packet')
    expect(senders).toEqual(['127.0.0.2'])
  })

  it('passes over an interface that refuses, with one line', async () => {
    using = use(stranger, { one: [v4('127.0.0.1')], bad: [v4(NOT_OURS)] })

    await eventually(() => using.links.length === 1 && using.looked > 3, MS, 'a link, and further tries')
    expect(using.lines.map(({ message }) => message)).toEqual([
      `interface bad ${NOT_OURS} takes no part in multicast: bind EADDRNOTAVAIL ${NOT_OURS}:${stranger.address().port}`,
    ])
  })

  it('names each interface and cause when all refuse', async () => {
    using = use(stranger, { bad: [v4(NOT_OURS)], worse: [v4('203.0.113.8')] })

    await eventually(() => using.error !== undefined, MS, 'an error')
    expect(using.error).toMatchObject({
      code: 'UNAVAILABLE',
      reason: 'mdns_unavailable',
      rawMessage: expect.stringMatching(
        /of any interface: bad 203\.0\.113\.7: bind EADDRNOTAVAIL.*; worse 203\.0\.113\.8: bind EADDRNOTAVAIL/,
      ),
    })
  })

  it('says that there is no interface', async () => {
    using = use(stranger, {})

    await eventually(() => using.error !== undefined, MS, 'an error')
    expect(using.error).toMatchObject({ rawMessage: expect.stringContaining('there is no network interface') })
  })

  it('answers one who asks outside of the group alone', async () => {
    using = use(stranger, { one: [v4('127.0.0.1')] })
    await eventually(() => using.links.length === 1, MS, 'a link')
    const [link] = using.links
    const answers: Buffer[] = []
    const asker = createSocket('udp4').bind(0, '127.0.0.1')
    await once(asker, 'listening')
    asker.on('message', answer => answers.push(answer))
    const answering = link?.packets$.subscribe(packet => {
      if (packet.type === 'query') link.send({ type: 'response', answers: [POINTER] }, packet.asker).subscribe()
    })

    asker.setMulticastInterface('127.0.0.1')
    asker.send(ASKED, stranger.address().port, '224.0.0.251')

    await eventually(() => answers.length > 0, MS, 'the answer')
    answering?.unsubscribe()
    asker.close()
    expect(answers[0]?.subarray(0, 2)).toEqual(ASKED.subarray(0, 2)) // the number of the query
    expect(answers[0]?.subarray(12, ASKED.length)).toEqual(ASKED.subarray(12)) // and its question
    expect(senders).toEqual(['127.0.0.1']) // the group heard the question only
  })
})

describe('placesOf', () => {
  it('takes an interface once for each family', () => {
    const link = v6('fe80::1')
    const present = { lo: [v4('127.0.0.1', true)], eth0: [v4('10.0.0.5'), v4('10.0.0.6'), v6('2001:db8::1'), link] }

    expect(placesOf(() => present)).toEqual([
      { name: 'eth0 10.0.0.5', family: 'udp4', address: '10.0.0.5', interface: '10.0.0.5' },
      { name: 'eth0 fe80::1', family: 'udp6', address: 'fe80::1%eth0', interface: '::%eth0' },
    ])
  })

  it('stays on this machine when there is no way out', () => {
    const present = { lo: [v4('127.0.0.1', true), { ...v6('::1'), internal: true }] }

    expect(placesOf(() => present).map(({ name }) => name)).toEqual(['lo 127.0.0.1'])
  })
})

interface Using {
  /** What the system says of its interfaces. */
  present: ReturnType<Interfaces>
  /** How often it was asked. */
  looked: number
  readonly links: PacketLink[]
  readonly lines: LogEvent[]
  error: unknown
  readonly subscription: Subscription
}

/** A port of the group of `stranger`, in use. */
function use(stranger: Socket, present: ReturnType<Interfaces>): Using {
  const runtime = systemRuntime()
  const lines: LogEvent[] = []
  const links: PacketLink[] = []
  const port$ = multicastPort({
    interface: undefined,
    interfaces: () => {
      state.looked++
      return state.present
    },
    lookEveryMs: 10,
    port: stranger.address().port,
    skipped: skippedRecords('mdns', silentLog, runtime),
    log: line => lines.push(line),
    runtime,
  })
  const state = { present, looked: 0, links, lines, error: undefined as unknown }
  const subscription = port$.subscribe({ next: link => links.push(link), error: error => (state.error = error) })
  return Object.assign(state, { subscription })
}

function v4(address: string, internal = false): NetworkInterfaceInfo {
  return { address, netmask: '255.0.0.0', family: 'IPv4', mac: '00:00:00:00:00:00', internal, cidr: null }
}

function v6(address: string): NetworkInterfaceInfo {
  return { ...v4(address), family: 'IPv6', scopeid: 0 }
}
