import type { Socket, Transport } from 'millrace/transport'
import { type Observable, Subscription } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { eventually, turns, within } from '../support/deadline.js'
import {
  connect,
  failureOf,
  type Inbox,
  listenAt,
  pattern,
  receive,
  sendBytes,
  sendNumber,
  upTo,
  type Connection,
} from './transport-probe.js'

/** A transport to be tried, made anew for each check. */
export interface TransportSetup {
  readonly transport: Transport
  /** Where `listen` chooses by itself. */
  readonly anyAddress: string
  /** A valid address where nobody listens. */
  readonly deadAddress: string
  /** Addresses that are none. */
  readonly invalidAddresses: readonly string[]
  /** How many timers and handles of the system the transport has open. */
  readonly openResources: () => number
  /** Longest wait for anything that must happen, in ms. @default 5000 */
  readonly patienceMs?: number
}

/** What a transport may lack; its checks are skipped, visibly. */
export interface TransportCapabilities {
  /** Frames that nobody reads hold the sender up. @default true */
  readonly backpressure?: boolean
  /** A socket that has dialled knows its own address. @default true */
  readonly ownAddress?: boolean
}

/** One thing that every transport does. */
export interface TransportCheck {
  readonly title: string
  readonly needs?: keyof TransportCapabilities
  readonly run: (setup: TransportSetup) => Promise<void>
}

const MIB = 1024 * 1024

/** A check over one open connection, which is ended afterwards. */
function overConnection(
  title: string,
  run: (connection: Connection, patienceMs: number, setup: TransportSetup) => Promise<void>,
  needs?: keyof TransportCapabilities,
): TransportCheck {
  return {
    title,
    ...(needs && { needs }),
    run: async setup => {
      const { transport, anyAddress, patienceMs = 5000 } = setup
      const connection = await connect(transport, anyAddress, patienceMs)
      try {
        await run(connection, patienceMs, setup)
      } finally {
        connection.listening.unsubscribe()
        connection.client.close()
        connection.server.close()
        connection.dialing.unsubscribe()
      }
    },
  }
}

/** A check of dialling and listening. */
function overTransport(
  title: string,
  run: (setup: TransportSetup, patienceMs: number) => Promise<void>,
): TransportCheck {
  return { title, run: setup => run(setup, setup.patienceMs ?? 5000) }
}

const delivery: readonly TransportCheck[] = [
  overConnection('keeps frames of every size unchanged', async ({ client, server }, patienceMs) => {
    const sent = [0, 1, 100, 65_536, MIB, 0, 3].map(pattern)
    const inbox = receive(server, patienceMs)

    for (const bytes of sent) sendBytes(client, bytes)
    await inbox.received(sent.length)

    expect(inbox.frames.map(({ length }) => length)).toEqual(sent.map(({ length }) => length))
    sent.forEach((bytes, index) => expect(Buffer.compare(bytes, inbox.frames[index] ?? pattern(7))).toBe(0))
  }),
  overConnection('keeps the order of frames sent in one turn', async ({ client, server }, patienceMs) => {
    const inbox = receive(server, patienceMs)

    for (const number of upTo(5000)) sendNumber(client, number, 4 + (number % 50))
    await inbox.received(5000)

    expect(inbox.numbers).toEqual(upTo(5000))
  }),
  overConnection('carries both directions at once', async ({ client, server }, patienceMs) => {
    const toServer = receive(server, patienceMs)
    const toClient = receive(client, patienceMs)

    for (const number of upTo(500)) {
      sendNumber(client, number)
      sendNumber(server, number)
      if (number % 50 === 0) await turns(1)
    }
    await Promise.all([toServer.received(500), toClient.received(500)])

    expect(toServer.numbers).toEqual(upTo(500))
    expect(toClient.numbers).toEqual(upTo(500))
  }),
  overConnection('delivers nothing before send returns', async ({ client, server }, patienceMs) => {
    let sending = false
    const duringSend: number[] = []
    const inbox = receive(server, patienceMs, (_frame, index) => {
      if (sending) duringSend.push(index)
    })

    for (const number of upTo(100)) {
      sending = true
      sendNumber(client, number)
      sending = false
    }
    await inbox.received(100)

    expect(duringSend).toEqual([])
  }),
  overConnection('never writes the bytes of a frame again', async ({ client, server }, patienceMs) => {
    const views: Uint8Array[] = []
    const inbox = receive(server, patienceMs, ({ bytes, start, end }) => views.push(bytes.subarray(start, end)))

    for (const number of upTo(2000)) {
      sendNumber(client, number, 100)
      if (number % 100 === 0) await inbox.received(number)
    }
    await inbox.received(2000)

    expect(views.findIndex((view, index) => Buffer.compare(view, inbox.frames[index] ?? pattern(1)) !== 0)).toBe(-1)
  }),
  overConnection('may send while a frame arrives', async ({ client, server }, patienceMs) => {
    receive(server, patienceMs, ({ bytes, start, end }) => sendBytes(server, bytes.subarray(start, end)))
    const inbox = receive(client, patienceMs, (_frame, index) => {
      if (index < 99) sendNumber(client, index + 1)
    })

    sendNumber(client, 0)
    await inbox.received(100)

    expect(inbox.numbers).toEqual(upTo(100))
  }),
  overConnection('is as before when a writer throws', async ({ client, server }, patienceMs) => {
    const inbox = receive(server, patienceMs)

    sendNumber(client, 0)
    const send = (): boolean =>
      client.send(10, () => {
        throw new TypeError('cannot encode')
      })
    expect(send).toThrow(TypeError)
    sendNumber(client, 1)
    await inbox.received(2)

    expect(inbox.numbers).toEqual([0, 1])
  }),
  overConnection('refuses to send a frame above the limit', async ({ client }) => {
    let written = false

    const send = (): boolean => client.send(0x100_0000, () => (written = true))

    expect(send).toThrow(expect.objectContaining({ code: 'RESOURCE_EXHAUSTED', reason: 'frame_too_large' }))
    expect(written).toBe(false)
  }),
  overConnection('keeps frames until inbound is subscribed', async ({ client, server }, patienceMs) => {
    for (const number of upTo(100)) sendNumber(client, number)
    await turns(5)
    const inbox = receive(server, patienceMs)
    await inbox.received(100)

    expect(inbox.numbers).toEqual(upTo(100))
  }),
  overConnection('has one subscriber of inbound', async ({ client, server }, patienceMs) => {
    const first = receive(server, patienceMs)

    const second = await failureOf(server.inbound, patienceMs)
    sendNumber(client, 0)
    await first.received(1)

    expect(second).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'inbound_taken' })
    expect(first.ending).toBe('open')
  }),
]

const closing: readonly TransportCheck[] = [
  overConnection('delivers what was sent before close', async ({ client, server }, patienceMs) => {
    const inbox = receive(server, patienceMs)

    for (const number of upTo(1000)) sendNumber(client, number, 1000)
    client.close()

    expect(await inbox.ended()).toBe('completed')
    expect(inbox.numbers).toEqual(upTo(1000))
  }),
  overConnection('completes everything at both ends after close', async (connection, patienceMs) => {
    const { client, server } = connection
    const atClient = receive(client, patienceMs)
    const atServer = receive(server, patienceMs)
    const writable = [completionOf(client.writable), completionOf(server.writable)]

    server.close()

    expect(await atServer.ended()).toBe('completed')
    expect(await atClient.ended()).toBe('completed')
    await within(Promise.all(writable), patienceMs, 'the end of writable')
    await eventually(() => connection.dialEnding === 'completed', patienceMs, 'the end of the dial')
  }),
  overConnection('ignores a second close', async ({ client, server }, patienceMs) => {
    const inbox = receive(server, patienceMs)

    client.close()
    client.close()

    expect(await inbox.ended()).toBe('completed')
    client.close()
  }),
  overConnection('sends nothing after close', async ({ client, server }, patienceMs) => {
    const inbox = receive(server, patienceMs)
    let written = false

    sendNumber(client, 0)
    client.close()
    const accepted = client.send(4, () => (written = true))
    await inbox.ended()

    expect(accepted).toBe(false)
    expect(written).toBe(false)
    expect(inbox.numbers).toEqual([0])
  }),
  overConnection('sends nothing after the peer has closed', async ({ client, server }, patienceMs) => {
    const inbox = receive(client, patienceMs)

    server.close()
    await inbox.ended()

    expect(sendNumber(client, 0)).toBe(false)
  }),
  overConnection('delivers nothing after close', async ({ client, server }, patienceMs) => {
    receive(client, patienceMs)
    let closed = false
    let late = 0
    const inbox = receive(server, patienceMs, (_frame, index) => {
      if (closed) late++
      if (index < 9) return
      server.close()
      closed = true
    })

    for (const number of upTo(1000)) sendNumber(client, number)
    await inbox.ended()

    expect(late).toBe(0)
    expect(inbox.ending).toBe('completed')
  }),
  overConnection('ends both when inbound is unsubscribed', async ({ client, server }, patienceMs) => {
    const atServer = receive(server, patienceMs)
    const atClient = receive(client, patienceMs)

    atClient.subscription.unsubscribe()

    await atServer.ended()
    expect(sendNumber(client, 0)).toBe(false)
  }),
  overConnection('delivers nothing after unsubscribing within next', async ({ client, server }, patienceMs) => {
    const inbox: Inbox = receive(server, patienceMs, (_frame, index) => {
      if (index === 9) inbox.subscription.unsubscribe()
    })
    const atClient = receive(client, patienceMs)

    for (const number of upTo(1000)) sendNumber(client, number)
    await atClient.ended()

    expect(inbox.numbers).toEqual(upTo(10))
  }),
  overConnection('ends both when the dial is unsubscribed', async ({ client, server, dialing }, patienceMs) => {
    const inbox = receive(server, patienceMs)

    dialing.unsubscribe()

    await inbox.ended()
    expect(sendNumber(client, 0)).toBe(false)
  }),
  overConnection('sends what it accepted despite unsubscribing after close', async (connection, patienceMs) => {
    const { client, server, dialing } = connection
    const atServer = receive(server, patienceMs)
    const atClient = receive(client, patienceMs)

    for (const number of upTo(16)) sendNumber(client, number, MIB)
    client.close()
    atClient.subscription.unsubscribe()
    dialing.unsubscribe()

    expect(await atServer.ended()).toBe('completed')
    expect(atServer.numbers).toEqual(upTo(16))
  }),
  overConnection('completes inbound that is subscribed after the end', async ({ client, server }, patienceMs) => {
    const atServer = receive(server, patienceMs)

    client.close()
    await atServer.ended()
    const late = receive(client, patienceMs)

    expect(await late.ended()).toBe('completed')
  }),
]

const dialling: readonly TransportCheck[] = [
  overTransport('opens one connection a subscription', async ({ transport, anyAddress }, patienceMs) => {
    const { listener, listening } = await listenAt(transport, anyAddress, patienceMs)
    const accepted: Socket[] = []
    const opened: Socket[] = []
    listening.add(listener.sockets.subscribe(socket => accepted.push(socket)))

    const dial = transport.dial(listener.address)
    const dialing = dial.subscribe(socket => opened.push(socket))
    dialing.add(dial.subscribe(socket => opened.push(socket)))
    await eventually(() => accepted.length === 2 && opened.length === 2, patienceMs, 'two connections')

    expect(opened[0]).not.toBe(opened[1])
    dialing.unsubscribe()
    listening.unsubscribe()
    accepted.forEach(socket => socket.close())
  }),
  overTransport('fails to connect where nobody listens', async ({ transport, deadAddress }, patienceMs) => {
    const failure = await failureOf(transport.dial(deadAddress), patienceMs)

    expect(failure).toMatchObject({ code: 'UNAVAILABLE', reason: 'connect_failed', retry: { safe: true } })
    expect(String(failure)).toContain(deadAddress)
  }),
  overTransport('refuses addresses that are none', async ({ transport, invalidAddresses }, patienceMs) => {
    for (const address of invalidAddresses) {
      const expected = { code: 'INVALID_ARGUMENT', reason: 'invalid_address' }
      expect(await failureOf(transport.dial(address), patienceMs), address).toMatchObject(expected)
      expect(await failureOf(transport.listen(address), patienceMs), address).toMatchObject(expected)
    }
  }),
  overTransport('emits nothing when the dial is unsubscribed early', async ({ transport, anyAddress }, patienceMs) => {
    const { listener, listening } = await listenAt(transport, anyAddress, patienceMs)
    const inboxes: Inbox[] = []
    listening.add(listener.sockets.subscribe(socket => inboxes.push(receive(socket, patienceMs))))
    let emitted = 0

    transport
      .dial(listener.address)
      .subscribe(() => emitted++)
      .unsubscribe()
    const later = await dialled(transport, listener.address, patienceMs)
    await eventually(() => inboxes.length > 0, patienceMs, 'the later connection')
    later.dialing.unsubscribe()

    expect(emitted).toBe(0)
    for (const inbox of inboxes) await inbox.ended()
    listening.unsubscribe()
  }),
  overConnection('tells whom it has dialled', async ({ client, listener }) => {
    expect(client.remote).toBe(listener.address)
  }),
  overConnection(
    'tells who has dialled',
    async ({ client, server }) => {
      expect(server.remote).toBe(client.local)
    },
    'ownAddress',
  ),
]

const listening: readonly TransportCheck[] = [
  overTransport('gives each listener an address of its own', async ({ transport, anyAddress }, patienceMs) => {
    const first = await connect(transport, anyAddress, patienceMs)
    const second = await connect(transport, anyAddress, patienceMs)

    expect(first.listener.address).not.toBe(second.listener.address)
    for (const { dialing, listening: held } of [first, second]) {
      dialing.unsubscribe()
      held.unsubscribe()
    }
  }),
  overTransport('fails to listen at a taken address', async ({ transport, anyAddress }, patienceMs) => {
    const { listener, listening: held } = await listenAt(transport, anyAddress, patienceMs)

    const failure = await failureOf(transport.listen(listener.address), patienceMs)

    expect(failure).toMatchObject({ code: 'UNAVAILABLE', reason: 'listen_failed' })
    held.unsubscribe()
  }),
  overTransport('listens again where a listener has gone', async ({ transport, anyAddress }, patienceMs) => {
    const first = await listenAt(transport, anyAddress, patienceMs)
    first.listening.unsubscribe()

    const second = await listenAt(transport, first.listener.address, patienceMs)

    expect(second.listener.address).toBe(first.listener.address)
    second.listening.unsubscribe()
  }),
  overConnection('keeps sockets when the listener goes', async (connection, patienceMs, { transport }) => {
    const { client, server, listener } = connection
    const inbox = receive(server, patienceMs)

    connection.listening.unsubscribe()
    const failure = await failureOf(transport.dial(listener.address), patienceMs)
    sendNumber(client, 0)
    await inbox.received(1)

    expect(failure).toMatchObject({ reason: 'connect_failed' })
  }),
  overTransport('closes a socket that nobody takes', async ({ transport, anyAddress }, patienceMs) => {
    const { listener, listening: held } = await listenAt(transport, anyAddress, patienceMs)

    const { socket, dialing } = await dialled(transport, listener.address, patienceMs)
    await receive(socket, patienceMs).ended()

    dialing.unsubscribe()
    held.unsubscribe()
  }),
]

const backpressure: readonly TransportCheck[] = [
  overConnection(
    'says writable once the peer has read',
    async ({ client, server }, patienceMs) => {
      const bytes = pattern(MIB)
      let writable = 0
      client.writable.subscribe(() => writable++)

      let sent = 1
      while (sendBytes(client, bytes) && sent < 64) sent++
      const before = writable
      const inbox = receive(server, patienceMs)
      await eventually(() => writable > 0, patienceMs, 'writable')
      await inbox.received(sent)

      expect(sent).toBeLessThan(64)
      expect(before).toBe(0)
      expect(inbox.frames.every(frame => Buffer.compare(frame, bytes) === 0)).toBe(true)
    },
    'backpressure',
  ),
  overConnection(
    'holds the sender of a peer that does not read',
    async ({ client, server }, patienceMs) => {
      const MOST = 64
      let sent = 0
      const pump = (): void => {
        while (sent < MOST && sendNumber(client, sent++, MIB));
      }
      const pumping = client.writable.subscribe(pump)

      pump()
      for (let seen = -1; seen < sent && sent < MOST; await turns(50)) seen = sent
      const held = sent
      const inbox = receive(server, patienceMs)
      await inbox.received(MOST)

      expect(held).toBeLessThan(MOST)
      expect(inbox.numbers).toEqual(upTo(MOST))
      pumping.unsubscribe()
    },
    'backpressure',
  ),
  overConnection('does not say writable unasked', async ({ client, server }, patienceMs) => {
    const inbox = receive(server, patienceMs)
    let writable = 0
    client.writable.subscribe(() => writable++)

    for (const number of upTo(10)) sendNumber(client, number)
    await inbox.received(10)
    await turns(2)

    expect(writable).toBe(0)
  }),
]

const leaks: readonly TransportCheck[] = [
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

/** Every check, in the order in which they are run. */
export const transportChecks: readonly TransportCheck[] = [
  ...delivery,
  ...closing,
  ...dialling,
  ...listening,
  ...backpressure,
  ...leaks,
]

/** Runs every check on a transport. */
export function testTransport(
  name: string,
  setup: () => TransportSetup,
  capabilities: TransportCapabilities = {},
): void {
  describe(`${name} as a Transport`, () => {
    for (const { title, needs, run } of transportChecks) {
      it.skipIf(needs !== undefined && capabilities[needs] === false)(title, () => run(setup()))
    }
  })
}

async function dialled(
  transport: Transport,
  address: string,
  patienceMs: number,
): Promise<{ socket: Socket; dialing: Subscription }> {
  const dialing = new Subscription()
  const opened = new Promise<Socket>((resolve, reject) => {
    dialing.add(transport.dial(address).subscribe({ next: resolve, error: reject }))
  })
  return { socket: await within(opened, patienceMs, 'the dialled socket'), dialing }
}

function completionOf(source: Observable<unknown>): Promise<void> {
  return new Promise(resolve => {
    source.subscribe({ complete: resolve })
  })
}
