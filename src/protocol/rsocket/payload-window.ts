import type { SchedulerLike } from 'rxjs'
import { readU32, writeU32 } from './frame.js'

/** What a {@link PayloadWindow} needs of its connection. */
export interface ProbedConnection {
  /** Clock. */
  readonly scheduler: SchedulerLike
  /** Whether the peer is known to answer probes. */
  answersProbes(): boolean
  /** Asks the peer, behind everything that was sent, for an answer with the same bytes. */
  probe(bytes: Uint8Array): void
  /** The window is open again. */
  opened(): void
}

/**
 * Bounds how much of long payloads is under way in the network. The buffers between two processes hold megabytes, and
 * whatever is sent next, a unary call say, waits behind all of it; `write() === false` does not see them.
 *
 * Behind every 64 KiB goes a probe, and so many probes may be unanswered at a time. When answers come late, compared with
 * the earliest that ever came, the network is filled and fewer may; otherwise more, until the network is just full. That
 * is the idea of TCP Vegas and LEDBAT (RFC 6817): the delay is the signal.
 */
export class PayloadWindow {
  private readonly connection: ProbedConnection
  private readonly sentAt: Float64Array
  private bytes: number
  private asked: number
  private answered: number
  private limit: number
  private leastMs: number

  constructor(connection: ProbedConnection) {
    this.connection = connection
    this.sentAt = new Float64Array(MAX_PROBES)
    this.bytes = 0
    this.asked = 0
    this.answered = 0
    this.limit = LEAST_PROBES
    this.leastMs = Infinity
  }

  /** Whether more of a payload may be sent. */
  get open(): boolean {
    return this.asked - this.answered < this.limit
  }

  /** So many bytes of a payload were sent. */
  sent(bytes: number): void {
    this.bytes += bytes
    if (this.bytes < PROBE_EVERY_BYTES || !this.connection.answersProbes()) return
    this.bytes %= PROBE_EVERY_BYTES
    this.sentAt[this.asked % MAX_PROBES] = this.connection.scheduler.now()
    const probe = new Uint8Array(PROBE_BYTES)
    writeU32(probe, 0, PROBE_MARK)
    writeU32(probe, 4, this.asked++)
    this.connection.probe(probe)
  }

  /** The peer has answered a probe with `bytes[start, end)`, or something else. */
  answer(bytes: Uint8Array, start: number, end: number): void {
    if (end - start !== PROBE_BYTES || readU32(bytes, start) !== PROBE_MARK) return
    const probe = readU32(bytes, start + 4)
    if (probe < this.answered || probe >= this.asked) return
    this.answered = probe + 1
    const elapsedMs = this.connection.scheduler.now() - (this.sentAt[probe % MAX_PROBES] as number)
    this.leastMs = Math.min(this.leastMs, elapsedMs)
    const late = elapsedMs - this.leastMs > LATE_MS
    this.limit = late ? Math.max(LEAST_PROBES, this.limit - 1) : Math.min(MAX_PROBES, this.limit + 1)
    if (this.open) this.connection.opened()
  }

  /** Probes are lost with the network connection that had them. */
  restart(): void {
    this.answered = this.asked
    this.connection.opened()
  }
}

const PROBE_EVERY_BYTES = 65_536
const PROBE_BYTES = 8
/** Tells a probe from the data of other keepalives. */
const PROBE_MARK = 0x6d72_7062
/** 512 KiB: enough for a network with no delay to speak of. */
const LEAST_PROBES = 8
/** 16 MiB: enough for 1 Gbit/s over a delay of 130 ms. */
const MAX_PROBES = 256
const LATE_MS = 5
