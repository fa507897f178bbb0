import { X509Certificate } from 'node:crypto'
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LogEvent } from 'millrace/core'
import type { Socket, Transport } from 'millrace/transport'
import { tcp } from 'millrace/transport/tcp'
import { identityFromFiles, type TlsIdentity } from 'millrace/transport/tls'
import { BehaviorSubject, EMPTY, NEVER, of, type Observable } from 'rxjs'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { connect, failureOf, listenAt, receive, sendNumber } from '../compliance/transport-probe.js'
import { testTransport } from 'millrace/testing/compliance'
import { certificate, identity, type CertificateName } from '../support/certificates.js'
import { countingRuntime } from '../support/counting-runtime.js'
import { eventually, within } from '../support/deadline.js'
import { record } from '../support/recording.js'

const PATIENCE_MS = 5000
const ANY = '127.0.0.1:0'
const ca = certificate('authority')
const folder = mkdtempSync(join(tmpdir(), 'millrace-tls-'))

/** What a test has opened, to be ended after it. */
const cleanups: (() => unknown)[] = []

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

testTransport(
  { describe, it },
  {
    name: 'tcp with tls',
    setup: () => {
      const runtime = countingRuntime()
      return {
        transport: tcp({
          runtime,
          tls: { identity: identity('server'), ca },
          connectTimeoutMs: 600_000,
          closeTimeoutMs: 600_000,
        }),
        anyAddress: '127.0.0.1:0',
        deadAddress: '127.0.0.1:1',
        invalidAddresses: ['', 'localhost', 'localhost:x', '::1:80', '127.0.0.1:65536'],
        openResources: () => runtime.openTimers + handles(),
      }
    },
  },
)

testTransport(
  { describe, it },
  {
    name: 'tcp with mutual tls',
    setup: () => {
      const runtime = countingRuntime()
      return {
        transport: tcp({
          runtime,
          tls: { identity: identity('server'), ca, requireClientCertificate: true },
          connectTimeoutMs: 600_000,
          closeTimeoutMs: 600_000,
        }),
        anyAddress: '127.0.0.1:0',
        deadAddress: '127.0.0.1:1',
        invalidAddresses: ['', 'localhost', 'localhost:x', '::1:80', '127.0.0.1:65536'],
        openResources: () => runtime.openTimers + handles(),
      }
    },
  },
)

describe('identity', () => {
  it('changes while connections are open', async () => {
    const identities = new BehaviorSubject(identity('server'))
    const tls = { identity: identities, ca }
    const { client, server, listener, listening, dialing } = await connect(tcp({ tls }), ANY, PATIENCE_MS)
    cleanups.push(
      () => listening.unsubscribe(),
      () => dialing.unsubscribe(),
    )
    const inbox = receive(server, PATIENCE_MS)

    identities.next(identity('renewed'))
    const later = await dialled(listener.address)
    sendNumber(client, 7)
    await inbox.received(1)

    expect(client.peerCertificate?.subject).toBe('CN=server')
    expect(later.peerCertificate?.subject).toBe('CN=renewed')
    expect(inbox.numbers).toEqual([7])
  })

  it('stays when the next one cannot be used', async () => {
    const identities = new BehaviorSubject(identity('server'))
    const log: LogEvent[] = []
    const address = await listeningWith({ identity: identities, log: event => log.push(event) })

    identities.next({ ...identity('renewed'), key: identity('client').key })
    identities.error(new TypeError('the disk is gone'))
    const later = await dialled(address)

    expect(later.peerCertificate?.subject).toBe('CN=server')
    expect(log.map(({ event }) => event)).toEqual(['tls.identity_refused', 'tls.identity_refused'])
    expect(log[0]?.message).toContain('not the key of the first certificate, that of CN=renewed')
    expect(log[1]?.message).toContain('the disk is gone; the one before stays')
  })

  it('brings authorities of its own', async () => {
    const identities = new BehaviorSubject<TlsIdentity>({ ...identity('server'), ca })
    const address = await listeningWith({ identity: identities, requireClientCertificate: true, log: () => {} })
    const trusted = tcp({ tls: { ca, identity: identity('client') } })

    const accepted = receive(await socketOf(trusted, address), PATIENCE_MS)
    identities.next({ ...identity('server'), ca: certificate('other-authority') })
    const refused = await receive(await socketOf(trusted, address), PATIENCE_MS).ended()

    expect(refused).toMatchObject({ reason: 'tls_failed' })
    expect(accepted.ending).toBe('open')
  })

  it.each([
    ['is needed to listen', undefined, /an `identity` is needed to listen/],
    ['that ends without one fails', EMPTY as Observable<TlsIdentity>, /`identity` ended without one/],
    ['that is none fails', of({} as TlsIdentity), /identity\.cert: expected a certificate.*identity\.key/],
    [
      'that is missing fails',
      of(undefined as unknown as TlsIdentity),
      /identity\.cert: expected a certificate.*identity\.key/,
    ],
  ])('%s', async (_, own, told) => {
    const failure = await failureOf(tcp({ tls: { ...(own && { identity: own }) } }).listen(ANY), PATIENCE_MS)

    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_identity' })
    expect(String(failure)).toMatch(told)
  })

  it('of a client is the one that is current', async () => {
    const identities = new BehaviorSubject(identity('client'))
    const transport = tcp({ tls: { identity: identities, ca } })
    const { listener, listening } = await listenAt(
      tcp({ tls: { identity: identity('server'), ca, requireClientCertificate: true } }),
      ANY,
      PATIENCE_MS,
    )
    const names: unknown[] = []
    const sockets = listener.sockets.subscribe(socket => names.push(socket.peerCertificate?.subject))
    cleanups.push(
      () => listening.unsubscribe(),
      () => sockets.unsubscribe(),
    )

    for (const [index, name] of (['client', 'renewed'] as const).entries()) {
      identities.next(identity(name))
      const dial = record(transport.dial(listener.address))
      cleanups.push(() => dial.subscription.unsubscribe())
      await eventually(() => names.length > index, PATIENCE_MS, `connection ${index}`)
    }

    expect(names).toEqual(['CN=client', 'CN=renewed'])
  })

  it('that never comes is no connection', async () => {
    const address = await listeningWith({ identity: identity('server') })
    const transport = tcp({ tls: { identity: NEVER, ca }, connectTimeoutMs: 30 })

    const failure = await failureOf(transport.dial(address), PATIENCE_MS)

    expect(failure).toMatchObject({ code: 'UNAVAILABLE', reason: 'tls_failed' })
  })
})

describe('peerCertificate', () => {
  it('tells each end who the other is', async () => {
    const tls = { identity: identity('server'), ca, requireClientCertificate: true }
    const { listener, listening } = await listenAt(tcp({ tls }), ANY, PATIENCE_MS)
    const accepted = record(listener.sockets)
    const dial = record(tcp({ tls: { identity: identity('client'), ca } }).dial(listener.address))
    cleanups.push(
      () => listening.unsubscribe(),
      () => dial.subscription.unsubscribe(),
    )
    await eventually(() => accepted.values.length === 1, PATIENCE_MS, 'the connection')
    const [[client], [server]] = [dial.values, accepted.values]

    expect(server?.peerCertificate).toEqual({
      subject: 'CN=client',
      names: ['URI:spiffe://test/client'],
      issuer: 'CN=test authority',
      fingerprint256: new X509Certificate(certificate('client')).fingerprint256,
    })
    expect(client?.peerCertificate?.subject).toBe('CN=server')
  })

  it('is missing where clients need none', async () => {
    const tls = { identity: identity('server'), ca }
    const { server, listening, dialing } = await connect(tcp({ tls }), ANY, PATIENCE_MS)
    cleanups.push(
      () => listening.unsubscribe(),
      () => dialing.unsubscribe(),
    )

    expect(server.peerCertificate).toBeUndefined()
  })
})

describe('identityFromFiles', () => {
  it('reads files again and tells what has changed', async () => {
    const files = write('changing', 'server')

    const told = record(identityFromFiles({ ...files, pollMs: 5 }))
    cleanups.push(() => told.subscription.unsubscribe())
    await eventually(() => told.values.length === 1, PATIENCE_MS, 'the first')
    replace('changing', 'renewed')
    await eventually(
      () => told.values.some(each => text(each.cert) === certificate('renewed')),
      PATIENCE_MS,
      'the next',
    )

    expect(text(told.values[0]?.cert)).toBe(certificate('server'))
    expect(text(told.values.at(-1)?.key)).toBe(identity('renewed').key)
  })

  it('brings authorities and a passphrase along', async () => {
    const files = write('whole', 'encrypted')
    writeFileSync(join(folder, 'ca.pem'), ca)

    const told = record(identityFromFiles({ ...files, ca: join(folder, 'ca.pem'), passphrase: 'open sesame' }))
    cleanups.push(() => told.subscription.unsubscribe())
    await eventually(() => told.values.length === 1, PATIENCE_MS, 'the first')

    expect(text(told.values[0]?.ca as Uint8Array)).toBe(ca)
    expect(told.values[0]?.passphrase).toBe('open sesame')
  })

  it('fails listen when files cannot be read', async () => {
    const missing = identityFromFiles({ cert: join(folder, 'none.crt'), key: join(folder, 'none.key') })

    const failure = await failureOf(tcp({ tls: { identity: missing } }).listen(ANY), PATIENCE_MS)

    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_identity' })
    expect(String(failure)).toMatch(/none\.(?:crt|key)/)
  })

  it('goes on when files cannot be read for a while', async () => {
    const files = write('vanishing', 'server')
    const log: LogEvent[] = []

    const told = record(identityFromFiles({ ...files, pollMs: 5, log: event => log.push(event) }))
    cleanups.push(() => told.subscription.unsubscribe())
    await eventually(() => told.values.length === 1, PATIENCE_MS, 'the first')
    rmSync(files.key)
    await eventually(() => log.length > 0, PATIENCE_MS, 'a line in the log')
    writeFileSync(files.key, String(identity('renewed').key))
    await eventually(() => told.values.length > 1, PATIENCE_MS, 'the next')

    expect(log).toMatchObject([{ level: 'error', event: 'tls.identity_unreadable' }])
    expect(log[0]?.message).toContain(files.key)
  })

  it('names every option that is wrong', () => {
    const options: object = { cert: '', key: 1, passphrase: 'open sesame', pollMs: 0, folder }

    expect(() => identityFromFiles(options as never)).toThrow(/cert: .*key: .*pollMs: .*folder: /)
    expect(() => identityFromFiles(options as never)).not.toThrow(/sesame/)
  })
})

describe('test certificates', () => {
  it.each<CertificateName>(['authority', 'other-authority', 'server', 'renewed', 'elsewhere', 'client', 'stranger'])(
    'are valid for ten more years: %s',
    name => {
      const { validTo } = new X509Certificate(certificate(name))

      expect(Date.parse(validTo) - Date.now()).toBeGreaterThan(10 * 365 * 24 * 3600 * 1000)
    },
  )
})

/** A listener with TLS that takes every socket; gives its address. */
async function listeningWith(tls: NonNullable<Parameters<typeof tcp>[0]>['tls']): Promise<string> {
  const { listener, listening } = await listenAt(tcp({ tls: { ...tls } }), ANY, PATIENCE_MS)
  const sockets = listener.sockets.subscribe(socket => receive(socket, PATIENCE_MS))
  cleanups.push(
    () => listening.unsubscribe(),
    () => sockets.unsubscribe(),
  )
  return listener.address
}

/** A socket to `address`, which must show a certificate of the authority. */
function dialled(address: string): Promise<Socket> {
  return socketOf(tcp({ tls: { ca } }), address)
}

function socketOf(transport: Transport, address: string): Promise<Socket> {
  const opened = new Promise<Socket>((resolve, reject) => {
    const dial = transport.dial(address).subscribe({ next: resolve, error: reject })
    cleanups.push(() => dial.unsubscribe())
  })
  return within(opened, PATIENCE_MS, 'the socket')
}

function text(pem: unknown): string {
  return Buffer.from(pem as Uint8Array).toString()
}

/** Writes a certificate and its key into files that can be replaced at once, as Kubernetes does: by a link. */
function write(place: string, name: CertificateName): { cert: string; key: string } {
  replace(place, name)
  return { cert: join(folder, place, 'tls.crt'), key: join(folder, place, 'tls.key') }
}

function replace(place: string, name: CertificateName): void {
  const { cert, key } = identity(name)
  const target = mkdtempSync(join(folder, `${place}-`))
  writeFileSync(join(target, 'tls.crt'), cert)
  writeFileSync(join(target, 'tls.key'), key)
  symlinkSync(target, join(folder, `${place}.next`))
  renameSync(join(folder, `${place}.next`), join(folder, place))
}

function handles(): number {
  return process.getActiveResourcesInfo().filter(name => /^(TCP|TLS)/.test(name)).length
}
