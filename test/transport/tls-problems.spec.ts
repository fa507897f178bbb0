import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket as NodeSocket } from 'node:net'
import { connect as netConnect } from 'node:net'
import { createServer as createTlsServer, type TLSSocket, type TlsOptions as NodeTlsOptions } from 'node:tls'
import { inspect } from 'node:util'
import { seededRuntime, silentLog, type LogEvent, type Message, type RpcError, type Runtime } from 'millrace/core'
import type { Connection } from 'millrace/protocol'
import { rsocket } from 'millrace/protocol/rsocket'
import { tcp, type TcpOptions } from 'millrace/transport/tcp'
import type { TlsOptions } from 'millrace/transport/tls'
import { tap, VirtualTimeScheduler } from 'rxjs'
import { afterEach, describe, expect, it } from 'vitest'
import { failureOf, listenAt, receive } from '../compliance/transport-probe.js'
import { certificate, identity, type CertificateName } from '../support/certificates.js'
import { eventually } from '../support/deadline.js'
import { record, type Recording } from '../support/recording.js'
import { single } from '../support/virtual-wire.js'

const PATIENCE_MS = 5000
const ca = certificate('authority')

/** What a test has opened, to be ended after it. */
const cleanups: (() => unknown)[] = []

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

describe('dial with tls', () => {
  it.each<[problem: string, shown: CertificateName, told: RegExp]>([
    ['certificate_expired', 'expired', /has expired.*renew it.*CERT_HAS_EXPIRED/],
    ['certificate_not_yet_valid', 'future', /is not valid yet.*clock/],
    ['self_signed', 'self-signed', /signed by itself.*`ca`/],
    ['unknown_issuer', 'stranger', /issued by "other authority".*not trusted.*`ca`/],
    [
      'wrong_host',
      'elsewhere',
      /not for "127\.0\.0\.1" but for DNS:elsewhere\.test, DNS:www\.elsewhere\.test.*`serverName`/,
    ],
  ])('names the problem of the server: %s', async (problem, shown, told) => {
    const { address } = await listening({ identity: identity(shown) })

    const failure = await failureOf(tcp({ tls: { ca } }).dial(address), PATIENCE_MS)

    expect(failure).toMatchObject({ code: 'UNAVAILABLE', reason: 'tls_failed', retry: { safe: true } })
    expect(failure).toMatchObject({ details: { problem } })
    expect(String(failure)).toMatch(told)
    expect(String(failure)).toContain(address)
  })

  it('tells dates and names as details', async () => {
    const { address } = await listening({ identity: identity('expired') })

    const failure = await failureOf(tcp({ tls: { ca } }).dial(address), PATIENCE_MS)

    expect(failure).toHaveProperty('details', {
      problem: 'certificate_expired',
      names: 'DNS:localhost, IP Address:127.0.0.1',
      issuer: 'test authority',
      validFrom: 'Jan  1 00:00:00 2024 GMT',
      validTo: 'Jan  1 00:00:00 2025 GMT',
    })
  })

  it('names a server that has no version in common', async () => {
    const address = await foreignServer({ maxVersion: 'TLSv1.2' })

    const failure = await failureOf(tcp({ tls: { ca, minVersion: 'TLSv1.3' } }).dial(address), PATIENCE_MS)

    expect(failure).toMatchObject({ reason: 'tls_failed', details: { problem: 'protocol_version' } })
    expect(String(failure)).toContain('this one speaks TLSv1.3 and later')
  })

  it('names a server of another protocol', async () => {
    const { address } = await listening({}, { alpn: 'another' })

    const failure = await failureOf(tcp({ tls: { ca } }).dial(address), PATIENCE_MS)

    expect(failure).toMatchObject({ reason: 'tls_failed', details: { problem: 'no_common_protocol' } })
    expect(String(failure)).toContain('"rsocket"')
  })

  it('takes a server without ALPN', async () => {
    const address = await foreignServer({})

    const dial = record(tcp({ tls: { ca } }).dial(address))
    cleanups.push(() => dial.subscription.unsubscribe())

    await eventually(() => dial.values.length === 1, PATIENCE_MS, 'the socket')
  })

  it('names a server without TLS', async () => {
    const address = await plainServer(socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))

    const failure = await failureOf(tcp({ tls: { ca } }).dial(address), PATIENCE_MS)

    expect(failure).toMatchObject({ reason: 'tls_failed', details: { problem: 'not_tls' } })
  })

  it('names a server that breaks off', async () => {
    const address = await plainServer(socket => socket.destroy())

    const failure = await failureOf(tcp({ tls: { ca } }).dial(address), PATIENCE_MS)

    expect(failure).toMatchObject({ reason: 'tls_failed', details: { problem: 'handshake_broken_off' } })
  })

  it('names a server that says nothing', async () => {
    let greeted = false
    const address = await plainServer(socket => socket.on('data', () => (greeted = true)))
    const scheduler = new VirtualTimeScheduler()
    const runtime = seededRuntime({ scheduler, seed: 1 })

    const failing = failureOf(tcp({ tls: { ca }, runtime, connectTimeoutMs: 300 }).dial(address), PATIENCE_MS)
    await eventually(() => greeted, PATIENCE_MS, 'the first part of the handshake')
    scheduler.flush()
    const failure = await failing

    expect(failure).toMatchObject({ reason: 'tls_failed', details: { problem: 'handshake_timeout' } })
    expect(String(failure)).toContain('no handshake within 300 ms; does it speak TLS?')
  })

  it('is told that a client certificate is missing', async () => {
    const { address } = await listening({ requireClientCertificate: true })

    const ending = await inboundOf({ ca }, address)

    expect(ending).toMatchObject({ code: 'UNAVAILABLE', reason: 'tls_failed', retry: { safe: true } })
    expect(ending).toMatchObject({ details: { problem: 'client_certificate_missing' } })
    expect(String(ending)).toContain('give one as `identity`')
  })

  it('says that its certificate seems to be refused', async () => {
    const { address } = await listening({ requireClientCertificate: true })

    const ending = await inboundOf({ ca, identity: identity('stranger') }, address)

    expect(ending).toMatchObject({ reason: 'tls_failed', details: { problem: 'client_certificate_refused' } })
    expect(ending).toMatchObject({ retry: { safe: false } })
  })

  it('fails in TLS 1.2 when a client certificate is missing', async () => {
    const address = await foreignServer({ maxVersion: 'TLSv1.2', requestCert: true, ca })

    const failure = await failureOf(tcp({ tls: { ca } }).dial(address), PATIENCE_MS)

    expect(failure).toMatchObject({ reason: 'tls_failed', details: { problem: 'handshake_failure' } })
    expect(String(failure)).toContain('demands a client certificate (`identity`)')
  })

  it('tells connection and calls what is wrong', async () => {
    const { address } = await listening({ requireClientCertificate: true })

    const calls: Recording<Message>[] = []
    const calling = tap<Connection>(connection => calls.push(record(connection.call(single('unary', 'echo')))))
    const connecting = record(
      rsocket(tcp({ tls: { ca } }), { log: silentLog })
        .connect(address)
        .pipe(calling),
    )
    cleanups.push(() => connecting.subscription.unsubscribe())
    await eventually(() => connecting.error !== undefined, PATIENCE_MS, 'the failure')

    const failed = { reason: 'tls_failed', details: { problem: 'client_certificate_missing' }, retry: { safe: true } }
    expect([connecting.error, calls[0]?.error]).toMatchObject([failed, failed])
    expect(String(connecting.error)).toContain('demands a client certificate')
  })

  it('does not resume what was never secured', async () => {
    const { address } = await listening({ requireClientCertificate: true })
    const options = { resume: {}, log: silentLog }

    const connecting = record(rsocket(tcp({ tls: { ca } }), options).connect(address))
    cleanups.push(() => connecting.subscription.unsubscribe())
    await eventually(() => connecting.error !== undefined, PATIENCE_MS, 'the failure')

    expect(connecting.error).toMatchObject({ reason: 'tls_failed', details: { problem: 'client_certificate_missing' } })
  })

  it('asks a server by its name', async () => {
    const asked: unknown[] = []
    const address = await foreignServer({}, socket => asked.push(socket.servername))

    const dial = record(tcp({ tls: { ca, serverName: 'localhost' } }).dial(address))
    cleanups.push(() => dial.subscription.unsubscribe())
    await eventually(() => asked.length === 1, PATIENCE_MS, 'the connection')

    expect(asked).toEqual(['localhost'])
  })

  it('checks the name that is asked for', async () => {
    const { address } = await listening({ identity: identity('elsewhere') })

    const right = record(tcp({ tls: { ca, serverName: 'www.elsewhere.test' } }).dial(address))
    cleanups.push(() => right.subscription.unsubscribe())
    await eventually(() => right.values.length === 1, PATIENCE_MS, 'the socket')
    const wrong = await failureOf(tcp({ tls: { ca, serverName: 'localhost' } }).dial(address), PATIENCE_MS)

    expect(wrong).toMatchObject({ details: { problem: 'wrong_host' } })
    expect(String(wrong)).toContain('not for "localhost"')
  })
})

describe('listen with tls', () => {
  it('logs a client without a certificate', async () => {
    const { address, log } = await listening({ requireClientCertificate: true })

    await inboundOf({ ca }, address)

    const [event] = await logged(log)
    expect(event).toMatchObject({ level: 'warn', event: 'tls.refused' })
    expect(event).toHaveProperty('fields.problem', 'client_certificate_missing')
    expect(event?.message).toMatch(/^127\.0\.0\.1:\d+ refused: the client has shown no certificate/)
  })

  it('logs a client with a certificate of others', async () => {
    const { address, log } = await listening({ requireClientCertificate: true })

    await inboundOf({ ca, identity: identity('stranger') }, address)

    const [event] = await logged(log)
    expect(event).toHaveProperty('fields.problem', 'unknown_issuer')
    expect(event?.message).toMatch(
      /^127\.0\.0\.1:\d+ refused: the certificate of the client was issued by an authority/,
    )
  })

  it('logs a client with a certificate that has expired', async () => {
    const { address, log } = await listening({ requireClientCertificate: true })

    await inboundOf({ ca, identity: identity('expired') }, address)

    const [event] = await logged(log)
    expect(event).toHaveProperty('fields.problem', 'certificate_expired')
  })

  it('logs a client without TLS, and closes', async () => {
    const { address, log } = await listening({})
    const raw = connectTo(address)

    raw.write(Uint8Array.of(0, 0, 14, 0, 0, 0, 0, 4, 0, 0, 1))
    await once(raw.resume(), 'close')

    const [event] = await logged(log)
    expect(event).toHaveProperty('fields.problem', 'not_tls')
  })

  it('cuts off a client that does not shake hands', async () => {
    const { address, log } = await listening({ handshakeTimeoutMs: 20 })
    const raw = connectTo(address)

    await once(raw.resume(), 'close')

    const [event] = await logged(log)
    expect(event).toHaveProperty('fields.problem', 'handshake_timeout')
  })

  it('cuts handshakes off when the listener goes', async () => {
    const { address, stop } = await listening({ handshakeTimeoutMs: 600_000 })
    const raw = connectTo(address)
    await once(raw, 'connect')
    const later = record(tcp({ tls: { ca } }).dial(address))
    await eventually(() => later.values.length === 1, PATIENCE_MS, 'a later connection')
    later.subscription.unsubscribe()

    stop()

    await once(raw.resume(), 'close')
  })

  it('logs one refusal a second, and counts the others', async () => {
    const scheduler = new VirtualTimeScheduler()
    const { address, log } = await listening({}, { runtime: onTurns(seededRuntime({ scheduler, seed: 1 })) })
    const refuse = async (): Promise<unknown> => once(connectTo(address).resume().end('plain text'), 'close')

    for (let count = 0; count < 4; count++) await refuse()
    const [first, ...others] = await logged(log)
    scheduler.schedule(() => {}, 1000)
    scheduler.flush()
    await refuse()
    await eventually(() => refused(log).length > 1, PATIENCE_MS, 'the second line')

    expect(first?.message).not.toContain('more since')
    expect(others).toEqual([])
    expect(refused(log)[1]?.message).toContain('; 3 more since the last that was told')
  })

  it('is told that TLS came where there is none', async () => {
    const { listener, listening: held } = await listenAt(tcp(), '127.0.0.1:0', PATIENCE_MS)
    cleanups.push(() => held.unsubscribe())
    const endings: unknown[] = []
    listener.sockets.subscribe(
      socket =>
        void receive(socket, PATIENCE_MS)
          .ended()
          .then(ending => endings.push(ending)),
    )

    await failureOf(tcp({ tls: { ca } }).dial(listener.address), PATIENCE_MS)
    await eventually(() => endings.length === 1, PATIENCE_MS, 'the end')

    expect(endings).toMatchObject([{ reason: 'tls_failed', details: { problem: 'unexpected_tls' } }])
  })

  it('warns of its own certificate when it has expired', async () => {
    const { log } = await listening({ identity: identity('expired') })

    expect(log).toMatchObject([{ level: 'warn', event: 'tls.identity_outdated' }])
    expect(log[0]?.message).toMatch(/CN=expired.* expired on Jan {2}1 00:00:00 2025 GMT$/)
  })
})

describe('tls options', () => {
  const key = identity('server').key as string
  const faults: [title: string, tls: unknown, told: RegExp][] = [
    [
      'a key of another certificate',
      { identity: { ...identity('server'), key: identity('client').key } },
      /identity\.key: it is not the key of the first certificate, that of CN=server/,
    ],
    [
      'a key for a certificate',
      { identity: { cert: key, key } },
      /identity\.cert: expected a certificate in PEM form, found PRIVATE KEY/,
    ],
    [
      'a certificate for a key',
      { identity: { cert: ca, key: ca } },
      /identity\.key: expected a private key in PEM form, found CERTIFICATE/,
    ],
    ['a path for a key', { identity: { cert: ca, key: '/etc/key.pem' } }, /identity\.key: .* found no -----BEGIN line/],
    [
      'a broken certificate',
      { identity: { cert: ca.replaceAll('M', 'N'), key } },
      /identity\.cert: the certificate cannot be read/,
    ],
    [
      'a broken key',
      { identity: { cert: ca, key: key.replaceAll('M', 'N') } },
      /identity\.key: the private key cannot be read/,
    ],
    ['no key', { identity: { cert: ca } }, /identity\.key: expected a private key/],
    ['an encrypted key without its passphrase', { identity: identity('encrypted') }, /`passphrase` is not given/],
    [
      'a wrong passphrase',
      { identity: { ...identity('encrypted'), passphrase: 'open barley' } },
      /`passphrase` does not open it/,
    ],
    ['a key alone', { identity: key }, /identity: expected an object/],
    ['a key for tls', key, /tcp: tls: expected an object/],
    ['nothing for tls', null, /tcp: tls: expected an object/],
    ['a key for an authority', { ca: [ca, key] }, /ca\[1\]: expected a certificate in PEM form, found PRIVATE KEY/],
    ['no authority', { ca: [] }, /ca: expected at least one/],
    ['clients that anybody vouches for', { requireClientCertificate: true }, /ca: needed where client certificates/],
    [
      'everything else',
      { minVersion: 'SSLv3', handshakeTimeoutMs: 0, cert: 1 },
      /minVersion.*handshakeTimeoutMs.*cert: no such/,
    ],
  ]

  it.each(faults)('refuse %s', (_, tls, told) => {
    const make = (): unknown => tcp({ tls: tls as TlsOptions })

    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', reason: 'invalid_options' }))
    expect(make).toThrow(told)
  })

  it.each(faults)('tell no secret of %s', (_, tls) => {
    let thrown: unknown
    try {
      tcp({ tls: tls as TlsOptions })
    } catch (error) {
      thrown = error
    }

    expect(secretsIn(thrown)).toEqual([])
  })

  it('take a key with its passphrase', async () => {
    const { address } = await listening({ identity: { ...identity('encrypted'), passphrase: 'open sesame' } })

    const dial = record(tcp({ tls: { ca } }).dial(address))
    cleanups.push(() => dial.subscription.unsubscribe())

    await eventually(() => dial.values.length === 1, PATIENCE_MS, 'the socket')
  })
})

describe('failures of tls', () => {
  it('tell no secret', async () => {
    const passphrase = 'open sesame'
    const { address, log } = await listening({
      identity: { ...identity('encrypted'), passphrase },
      requireClientCertificate: true,
    })

    const own = { ...identity('stranger') }
    const failures = [
      await inboundOf({ ca, identity: own }, address),
      await inboundOf({ ca }, address),
      await failureOf(tcp({ tls: { ca, identity: own, serverName: 'x.test' } }).dial(address), PATIENCE_MS),
    ]
    await logged(log)

    expect(failures.map(failure => (failure as RpcError).reason)).toEqual(['tls_failed', 'tls_failed', 'tls_failed'])
    expect(secretsIn([failures, log])).toEqual([])
  })
})

/** Parts of keys and passphrases that can be read in a value, however it is shown. */
function secretsIn(value: unknown): readonly string[] {
  const names: readonly CertificateName[] = ['server', 'client', 'stranger', 'encrypted']
  const lines = names.flatMap(name => String(identity(name).key).split('\n'))
  const shown = [inspect(value, { depth: 20, maxArrayLength: null, showHidden: true }), JSON.stringify(value)].join()
  const parts = lines.filter(line => line !== '' && !line.startsWith('-----')).map(line => line.slice(0, 16))
  return [...parts, 'open sesame', 'open barley', 'PRIVATE KEY--'].filter(part => shown.includes(part))
}

/** A listener with TLS: by default it shows `server` and trusts the authority. */
async function listening(
  tls: TlsOptions,
  options: TcpOptions = {},
): Promise<{ address: string; log: LogEvent[]; stop: () => void }> {
  const log: LogEvent[] = []
  const secured = { identity: identity('server'), ca, log: (event: LogEvent) => log.push(event), ...tls }
  const held = await listenAt(tcp({ ...options, tls: secured }), '127.0.0.1:0', PATIENCE_MS)
  const sockets = held.listener.sockets.subscribe(socket => receive(socket, PATIENCE_MS))
  const stop = (): void => held.listening.unsubscribe()
  cleanups.push(stop, () => sockets.unsubscribe())
  return { address: held.listener.address, log, stop }
}

/** How `inbound` of a connection with these options ends. */
async function inboundOf(tls: TlsOptions, address: string): Promise<unknown> {
  const endings: unknown[] = []
  const dial = tcp({ tls })
    .dial(address)
    .subscribe({
      next: socket =>
        void receive(socket, PATIENCE_MS)
          .ended()
          .then(ending => endings.push(ending)),
      error: () => {}, // the same as that of inbound
    })
  await eventually(() => endings.length > 0, PATIENCE_MS, 'the end of inbound')
  dial.unsubscribe()
  return endings[0]
}

/** Waits for what a listener has to say of a refused client. */
async function logged(log: readonly LogEvent[]): Promise<readonly LogEvent[]> {
  await eventually(() => refused(log).length > 0, PATIENCE_MS, 'a line in the log')
  return refused(log)
}

function refused(log: readonly LogEvent[]): readonly LogEvent[] {
  return log.filter(({ event }) => event === 'tls.refused')
}

/** A runtime in virtual time whose turns are real. */
function onTurns(runtime: Runtime): Runtime {
  return { ...runtime, macrotask: task => setImmediate(task) }
}

/** A TLS server that is none of ours, which shows `server`; gives its address. */
async function foreignServer(
  options: NodeTlsOptions,
  onSocket: (socket: TLSSocket & { readonly servername?: unknown }) => unknown = () => {},
): Promise<string> {
  const server = createTlsServer({ ...(identity('server') as NodeTlsOptions), ...options }, socket => {
    cleanups.push(() => socket.destroy())
    onSocket(socket.on('error', () => {}))
  })
  return addressOf(server.listen({ host: '127.0.0.1', port: 0 }))
}

/** A server without TLS; gives its address. */
async function plainServer(onSocket: (socket: NodeSocket) => unknown): Promise<string> {
  const server = createServer(socket => {
    cleanups.push(() => socket.destroy())
    onSocket(socket.on('error', () => {}))
  })
  return addressOf(server.listen({ host: '127.0.0.1', port: 0 }))
}

async function addressOf(server: ReturnType<typeof createServer>): Promise<string> {
  cleanups.push(() => server.close())
  await once(server, 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A connection without TLS. */
function connectTo(address: string): NodeSocket {
  const raw = netConnect({ host: '127.0.0.1', port: Number(address.split(':')[1]) })
  cleanups.push(() => raw.destroy())
  return raw.on('error', () => {})
}
