import { isIPv4 } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'
import * as E from 'fp-ts/lib/Either.js'
import {
  bool,
  consoleLog,
  fn,
  having,
  integer,
  limitedLog,
  optional,
  resolveOptions,
  systemRuntime,
  type Check,
  type Log,
  type Runtime,
} from '../../core/index.js'
import { multicastPort } from './multicast.js'
import { packetRegistry } from './packet-registry.js'
import { skippedRecords, type RecordRegistry } from '../skipped-records.js'

/** What {@link mdns} is made of. */
export interface MdnsOptions {
  /** Domain of the group: only nodes with the same one see each other. @default `'micro'`, as go-micro has it */
  readonly domain?: string
  /** Stay on this machine: nothing is sent to another, nothing from another is heard. @default false */
  readonly loopbackOnly?: boolean
  /** IPv4 address of the one interface to use; not together with `loopbackOnly`. @default all interfaces */
  readonly interface?: string
  /** UDP port of the group. @default 5353 */
  readonly port?: number
  /**
   * How long others may believe a record that they do not hear again, ms; so long a killed node stays. Announced again
   * three times as often, and sent as whole seconds. @default 30_000; go-micro's 120_000 is kept for its records
   */
  readonly ttlMs?: number
  /**
   * How long answers are collected before a service that nobody answered for counts as not there, ms.
   * @default 250: two questions and their answers, so that one lost packet does not hide a service
   */
  readonly collectMs?: number
  /** Time and chance. @default `systemRuntime()` */
  readonly runtime?: Runtime
  /** Where outages and skipped records are told of, at most one line of a kind in 10 s. @default `consoleLog` */
  readonly log?: Log
}

interface Resolved extends Omit<Required<MdnsOptions>, 'interface'> {
  readonly interface: string | undefined
}

const LOG_LIMIT = { lines: 1, everyMs: 10_000 }
const LOOK_EVERY_MS = 5000
const LOOPBACK_ADDRESS = '127.0.0.1'

/**
 * A registry without a server: the processes of a network, or of one machine, find each other by multicast DNS.
 * Records are go-micro's, so that its services see ours and ours see its.
 *
 * The value holds a few UDP sockets while anything of it is subscribed, and none otherwise: it takes part on every
 * interface that leads to other machines, over IPv4 and, where there is, IPv6. Where there is no multicast,
 * watches say that they are stale, `get` and `list` fail with UNAVAILABLE (reason `registry_unavailable`), and it is
 * tried again. A record is one packet of 9000 bytes at most, or `register` fails with RESOURCE_EXHAUSTED (reason
 * `record_too_large`); addresses are `host:port` with an IP address or a host name that others can dial.
 */
export function mdns(options?: MdnsOptions): RecordRegistry {
  const { interface: address, loopbackOnly, log, port, ...settings } = resolveMdnsOptions(options)
  const skipped = skippedRecords('mdns', log, settings.runtime)
  const limited = limitedLog(log, settings.runtime, LOG_LIMIT)
  const multicast = multicastPort({
    interface: loopbackOnly ? LOOPBACK_ADDRESS : address,
    interfaces: networkInterfaces,
    lookEveryMs: LOOK_EVERY_MS,
    port,
    skipped,
    log: limited,
    runtime: settings.runtime,
  })
  return packetRegistry(multicast, { ...settings, skipped, log: limited, hostname: hostname() })
}

function resolveMdnsOptions(options: MdnsOptions | undefined): Resolved {
  const alone: Check<string> = (value, name) =>
    options?.loopbackOnly ? E.left([`${name}: not together with loopbackOnly`]) : ipv4(value, name)
  return resolveOptions<Resolved>(
    'mdns',
    {
      domain: optional(domainName, 'micro'),
      loopbackOnly: optional(bool, false),
      interface: optional(alone),
      port: optional(integer({ min: 1, max: 65_535 }), 5353),
      ttlMs: optional(integer({ min: 2000, max: 4_500_000 }), 30_000),
      collectMs: optional(integer({ min: 1, max: 60_000 }), 250),
      runtime: optional(having<Runtime>('scheduler', 'random'), systemRuntime()),
      log: optional(fn<Log>(), consoleLog),
    },
    options,
  )
}

const ipv4: Check<string> = (value, name) =>
  typeof value === 'string' && isIPv4(value) ? E.right(value) : E.left([`${name}: expected an IPv4 address`])

const DOMAIN = /^(?=.{1,60}$)[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/i

const domainName: Check<string> = (value, name) =>
  typeof value === 'string' && DOMAIN.test(value)
    ? E.right(value)
    : E.left([`${name}: expected a domain of a-z 0-9 - _ with dots between, 60 characters at most`])
