import * as fc from 'fast-check'
import { systemRuntime, type LogEvent } from 'millrace/core'
import type { RecordRegistry } from 'millrace/registry'
import { mdns } from 'millrace/registry/mdns'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { deflateSync } from 'node:zlib'
import { firstValueFrom } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nodeRecord } from '../../src/registry/mdns/record.js'
import { packetRegistry } from '../../src/registry/mdns/packet-registry.js'
import type { DnsPacket, DnsRecord } from '../../src/registry/mdns/packet.js'
import { skippedRecords } from '../../src/registry/skipped-records.js'
import { instanceOf, register, watch } from '../compliance/registry-probe.js'
import { eventually } from '../support/deadline.js'
import { PacketGroup } from './packet-group.js'

const MS = 5000

describe('mdns over a hostile group', () => {
  const good = answersOf('b')
  const named = (name: string): readonly DnsRecord[] => answersOf('a', { name: `a.${name}.micro` })
  const text = (...strings: string[]): readonly DnsRecord[] =>
    answersOf('a', { text: strings.map(string => Buffer.from(string)) })

  it.each<[string, readonly DnsRecord[]]>([
    ['no text', text()],
    ['a text that is no hex', text('hello=world')],
    ['a text of another service', text(hexOf({ Service: 'lines', Version: '1' }))],
    ['a text without a version', text(hexOf({ Service: 'words' }))],
    ['a zip bomb', text(...split(deflateSync('{"Service":"words","Version":"1"}'.padEnd(1_000_000)).toString('hex')))],
    ['a name with a slash', answersOf('a', { name: 'a/b.words.micro' })],
    ['port 0', answersOf('a', { port: 0 })],
    ['no address that can be dialled', answersOf('a', { host: '0.0.0.0' })],
    ['a target that is no host', answersOf('a', { host: undefined, target: 'not a host' })],
  ])('skips and counts %s, and shows the others', async (_, bad) => {
    const group = new PacketGroup()
    const lines: LogEvent[] = []
    const registry = registryOn(group, lines)
    const words = watch(registry, 'words')

    group.say({ type: 'response', answers: bad })
    group.say({ type: 'response', answers: bad })
    group.say({ type: 'response', answers: good })

    await words.shows(['words@1.0.0 b'], MS)
    expect(lines.map(({ event }) => event)).toEqual(['registry.record_skipped'])
    expect(await firstValueFrom(registry.skipped$)).toBe(2)
    words.stop()
  })

  it.each<[string, readonly DnsRecord[]]>([
    [
      'another domain',
      named('words.local').map(record => ({ ...record, name: record.name.replace('micro', 'local') })),
    ],
    ['another service', named('lines')],
    ['a pointer alone', good.slice(0, 1)],
    ['a goodbye of someone unknown', good.map(record => ({ ...record, ttl: 0 }))],
    ['nothing', []],
  ])('passes over %s in silence', async (_, answers) => {
    const group = new PacketGroup()
    const lines: LogEvent[] = []
    const words = watch(registryOn(group, lines), 'words')

    group.say({ type: 'response', answers })

    await words.shows([], MS)
    expect(lines).toEqual([])
    words.stop()
  })
})

describe('mdns over a socket', () => {
  let stranger: Socket
  const shout = (bytes: Uint8Array): void => stranger.send(bytes, stranger.address().port, '224.0.0.251')
  // Apart from the port of everyone else, who need not hear this.
  const registryHere = (lines: LogEvent[] = []): RecordRegistry =>
    mdns({ port: stranger.address().port, loopbackOnly: true, collectMs: 30, log: event => lines.push(event) })

  beforeEach(async () => {
    stranger = createSocket({ type: 'udp4', reuseAddr: true }).bind(0)
    await once(stranger, 'listening')
    stranger.addMembership('224.0.0.251', '127.0.0.1')
    stranger.setMulticastInterface('127.0.0.1')
  })

  afterEach(() => stranger.close())

  it.each([
    ['noise', fc.sample(fc.uint8Array({ maxLength: 400 }), { numRuns: 200, seed: 1 })],
    ['a name that points to itself', [answering('c00c')]],
    ['names that point to each other', [answering('c00ec00c')]],
    ['data that points to itself', [answering('0000 0c00 0100 0000 1000 02c0 17')]],
    ['the end of a packet', [answering('0161')]],
  ])('lives through %s, with one line', async (_, packets) => {
    const lines: LogEvent[] = []
    const registry = registryHere(lines)
    const words = watch(registry, 'words')
    await words.shows([], MS)

    for (const bytes of packets) shout(bytes)
    const registering = register(registry, instanceOf('words', 'a'))

    await words.shows(['words@1.0.0 a'], MS)
    await eventually(() => lines.length > 0, MS, 'a line')
    expect(lines.map(({ event }) => event)).toEqual(['registry.record_skipped'])
    registering.stop()
    words.stop()
  })

  it('keeps other services whatever is done to a packet', async () => {
    const registry = registryHere()
    const heard = once(stranger, 'message')
    const words = register(registry, instanceOf('words', 'a'))
    const [packet] = (await heard) as [Buffer]
    const lines = register(registry, instanceOf('lines', 'b'))
    const everything = watch(registry)
    const linesShown = watch(registry, 'lines')
    await linesShown.shows(['lines@1.0.0 b'], MS)
    const { length } = linesShown.snapshots

    for (const bytes of fc.sample(mutated(packet), { numRuns: 200, seed: 1 })) shout(bytes)
    const last = register(registry, instanceOf('last', 'c'))

    await eventually(() => everything.shown.includes('last@1.0.0 c'), MS, 'what was said last')
    expect(linesShown.snapshots).toHaveLength(length)
    for (const running of [words, lines, last, everything, linesShown]) running.stop()
  })
})

/** A packet with one answer. */
function answering(hex: string): Uint8Array {
  return Buffer.from(`000084000000000100000000${hex.replaceAll(' ', '')}`, 'hex')
}

/** The packet with bytes changed; half of them cut. */
function mutated(packet: Uint8Array): fc.Arbitrary<Uint8Array> {
  const change = fc.tuple(fc.nat(packet.length - 1), fc.nat(255))
  return fc.tuple(fc.array(change, { minLength: 1, maxLength: 8 }), fc.nat(packet.length)).map(([changes, cut]) => {
    const bytes = Uint8Array.from(packet)
    for (const [at, byte] of changes) bytes[at] = byte
    return cut % 2 === 0 ? bytes.subarray(0, cut) : bytes
  })
}

function registryOn(group: PacketGroup, lines: LogEvent[]): RecordRegistry {
  const log = (event: LogEvent): void => void lines.push(event)
  return packetRegistry(group.port('watcher'), {
    domain: 'micro',
    hostname: 'host',
    ttlMs: 120_000,
    collectMs: 20,
    runtime: systemRuntime(),
    log,
    skipped: skippedRecords('mdns', log, systemRuntime()),
  })
}

interface Answers {
  readonly name?: string
  readonly port?: number
  readonly host?: string | undefined
  readonly target?: string
  readonly text?: readonly Uint8Array[]
}

/** What a node says, with something wrong. */
function answersOf(id: string, wrong: Answers = {}): readonly DnsRecord[] {
  const context = { domain: 'micro', hostname: 'host', ttlMs: 120_000 }
  const { announcement } = nodeRecord(instanceOf('words', id), context)
  const { name, port, host, target, text } = wrong
  return recordsOf(announcement).flatMap((record): readonly DnsRecord[] => {
    if (record.type === 'PTR') return [{ ...record, data: name ?? record.data }]
    if (record.type === 'TXT') return [{ ...record, name: name ?? record.name, data: text ?? record.data }]
    if (record.type !== 'SRV')
      return 'host' in wrong && host === undefined ? [] : [{ ...record, data: host ?? record.data }]
    const data = { ...record.data, port: port ?? record.data.port, target: target ?? record.data.target }
    return [{ ...record, name: name ?? record.name, data }]
  })
}

function recordsOf(packet: DnsPacket): readonly DnsRecord[] {
  return packet.type === 'response' ? packet.answers : []
}

function hexOf(value: unknown): string {
  return deflateSync(JSON.stringify(value)).toString('hex')
}

function split(text: string): readonly string[] {
  return text.match(/.{1,255}/g) ?? []
}
