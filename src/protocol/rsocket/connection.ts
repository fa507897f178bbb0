import { BehaviorSubject, Subject, type Observable, type Subscription, type Unsubscribable } from 'rxjs'
import type { Codec } from '../../codec/index.js'
import {
  emptyHeader,
  header,
  RpcError,
  retrySafely,
  type Header,
  type Log,
  type Message,
  type RetryAdvice,
  type Runtime,
} from '../../core/index.js'
import type { Frame, PeerCertificate } from '../../transport/index.js'
import { callOf, type Call, type Peer, type ReplyObserver } from '../peer.js'
import type { Connection, ConnectionStatus } from '../protocol.js'
import { CodecTable } from './codec-table.js'
import { readError, sendErrorFrame } from './error-frame.js'
import { ErrorCode, Flag, FrameType, HEADER_BYTES, MAX_31_BITS, NONE, readU16, readU32, writeU32 } from './frame.js'
import { FrameSender } from './frame-sender.js'
import { Keepalive } from './keepalive.js'
import { LeaseBudget, leasesOf, type Lease } from './lease.js'
import { LeaseGate } from './lease-gate.js'
import type { ConnectionMetadata } from './metadata-dialect.js'
import { logTeardown } from './multiplexer.js'
import { neverSent } from './never-sent.js'
import { PayloadWindow } from './payload-window.js'
import type { ResolvedRSocketOptions } from './options.js'
import { request } from './request.js'
import type { RequesterContext } from './requester-context.js'
import { RequestAcceptor } from './request-acceptor.js'
import type { Session, SessionSocket } from './resume/session.js'
import type { Stream } from './stream.js'
import { malformed, StreamFrames, type StreamTable } from './stream-frames.js'

/** How a connection ended; `undefined` when it was closed on purpose. */
export type ConnectionEnd = RpcError | undefined

/**
 * The part of a connection that is the same for both roles: the table of streams, and what the frames of a connection
 * that is set up mean. {@link ClientConnection} and {@link ServerConnection} add how it is set up.
 */
export abstract class RSocketConnection implements Connection, RequesterContext {
  readonly local: string
  readonly remote: string
  readonly peerCertificate: PeerCertificate | undefined
  readonly sender: FrameSender
  /** The codecs that requests may ask for. */
  readonly codecs: CodecTable
  codec: Codec
  metadata: ConnectionMetadata
  readonly runtime: Runtime
  readonly log: Log
  readonly window: number
  readonly windowBytes: number
  attributes: Header
  leases: LeaseGate | undefined
  readonly unopened: Set<Stream>
  /** What is left of the leases we gave the peer, if it has to keep to any. */
  allowance: LeaseBudget | undefined
  protected readonly options: ResolvedRSocketOptions
  protected keepalive: Keepalive | undefined
  private readonly socket: SessionSocket
  private readonly session: Session | undefined
  private readonly streams: Map<number, Stream>
  private readonly acceptor: RequestAcceptor
  private readonly streamFrames: StreamFrames
  private readonly payloadWindow: PayloadWindow
  /** Most bytes of long payloads that may be on their way in fragments when another one is taken on. */
  private readonly maxLongBytes: number
  private readonly status$: BehaviorSubject<ConnectionStatus>
  private readonly onEnd: (end: ConnectionEnd) => void
  /** What the peer was last told that it may ask of us. */
  private granted: Lease | undefined
  private inbound: Subscription | undefined
  private closing: Subscription | undefined
  private granting: Subscription | undefined
  private readonly pushed: Subject<Header>
  private nextId: number
  private peerDrains: boolean
  private ended: boolean

  constructor(
    socket: SessionSocket,
    options: ResolvedRSocketOptions,
    firstId: 1 | 2,
    onEnd: (end: ConnectionEnd) => void,
  ) {
    this.local = socket.local
    this.remote = socket.remote
    this.peerCertificate = socket.peerCertificate
    this.payloadWindow = new PayloadWindow({
      scheduler: options.runtime.scheduler,
      // Others would answer, too; but whether they do in time for this, nobody knows.
      answersProbes: () => !this.metadata.foreign,
      probe: bytes => this.sendProbe(bytes),
      opened: () => this.sender.windowOpened(),
    })
    this.sender = new FrameSender(socket, options.fragmentBytes, this.payloadWindow, () => this.onSent())
    this.codecs = new CodecTable([options.codec, ...options.codecs])
    this.codec = options.codec
    this.metadata = options.metadata.open()
    this.runtime = options.runtime
    this.log = options.log
    this.window = options.window
    this.windowBytes = options.windowBytes
    this.attributes = emptyHeader
    this.leases = undefined
    this.unopened = new Set()
    this.granted = undefined
    this.allowance = undefined
    this.options = options
    this.keepalive = undefined
    this.socket = socket
    this.session = socket.session
    this.streams = new Map()
    this.acceptor = new RequestAcceptor(this, options.maxStreams)
    const table: StreamTable = {
      stream: id => this.streams.get(id),
      isOwn: id => this.isOwn(id),
      isOpen: () => this.status$.value === 'open',
      abort: id => this.sender.abort(id),
      refuse: (id, type, error) => {
        if (type !== FrameType.REQUEST_FNF) sendErrorFrame(this.sender, id, ErrorCode.INVALID, error)
      },
      fail: error => this.fail(error),
    }
    this.streamFrames = new StreamFrames(this.acceptor, table, options)
    this.maxLongBytes = 4 * Math.max(options.maxQueuedBytes, options.maxPayloadBytes)
    this.status$ = new BehaviorSubject<ConnectionStatus>('open')
    this.onEnd = onEnd
    this.inbound = undefined
    this.closing = undefined
    this.granting = undefined
    this.pushed = new Subject()
    this.nextId = firstId
    this.peerDrains = false
    this.ended = false
  }

  get status(): Observable<ConnectionStatus> {
    return this.status$.asObservable()
  }

  get pushes(): Observable<Header> {
    return this.pushed.asObservable()
  }

  metadataPush(entries: Header): void {
    const bytes = this.metadata.writeHeader(header(entries))
    if (!this.ended) this.sender.send(0, FrameType.METADATA_PUSH, Flag.METADATA, NONE, undefined, bytes)
  }

  get running(): number {
    return this.streams.size
  }

  call(call: Call): Observable<Message> {
    return callOf(this, call)
  }

  run(call: Call, replies: ReplyObserver): Unsubscribable {
    return request(this, call, replies)
  }

  /** Begins to read. */
  start(): void {
    this.socket.writable.subscribe(() => this.sender.drained())
    this.inbound = this.socket.inbound.subscribe({
      next: frame => this.onFrame(frame),
      error: (cause: unknown) => this.onSocketError(RpcError.from(cause, 'UNAVAILABLE')),
      complete: () => this.onClosed(),
    })
    this.session?.resumed.subscribe(() => this.onResumed())
  }

  /** Takes no new calls, says so to the peer, and closes when the running ones have ended. */
  drain(): void {
    if (this.status$.value !== 'open') return
    this.status$.next('draining')
    // Others fail their running calls when they hear of it, so they do when there are none; until then they are refused.
    if (!this.metadata.foreign) this.sendDraining()
    this.closeWhenIdle()
  }

  /** Closes now; calls fail with UNAVAILABLE at both ends. */
  close(): void {
    this.end(undefined)
  }

  refusal(): RpcError | undefined {
    const status = this.status$.value
    if (status !== 'open') {
      const reason = status === 'draining' ? 'connection_draining' : 'connection_closed'
      return new RpcError('UNAVAILABLE', `the connection to ${this.remote} is ${status}`, {
        reason,
        retry: retrySafely,
      })
    }
    return this.queueFull()
  }

  /** Why no call can be taken on, in either direction, while the socket does not take what waits. */
  queueFull(): RpcError | undefined {
    const held = this.session?.refusal()
    if (held !== undefined) return held
    const { overcommittedBytes } = this.sender
    const { maxQueuedBytes } = this.options
    if (overcommittedBytes > maxQueuedBytes) return this.waits(overcommittedBytes, maxQueuedBytes, retrySafely)
    const { payloadBytes } = this.sender
    if (payloadBytes > this.maxLongBytes) return this.waits(payloadBytes, this.maxLongBytes, retrySafely)
    return undefined
  }

  /** Why a reply cannot be sent while so much waits. */
  replyRefusal(): RpcError | undefined {
    const { payloadBytes } = this.sender
    return payloadBytes > this.maxLongBytes ? this.waits(payloadBytes, this.maxLongBytes) : undefined
  }

  open(stream: Stream): number {
    const id = this.nextId
    this.streams.set(id, stream)
    do this.nextId = this.nextId > MAX_31_BITS - 2 ? 2 - (id & 1) : this.nextId + 2
    while (this.streams.has(this.nextId))
    return id
  }

  /** Enters a stream that the peer opened. */
  accepted(streamId: number, stream: Stream): void {
    this.streams.set(streamId, stream)
  }

  forget(streamId: number): void {
    const stream = this.streams.get(streamId)
    if (stream === undefined) return
    this.streams.delete(streamId)
    this.sender.unblocked(stream)
    this.streamFrames.forget(streamId)
    if (!this.isOwn(streamId)) this.acceptor.released()
    if (this.status$.value === 'draining') this.closeWhenIdle()
  }

  /** Our own requests keep to the leases of the peer from now on. */
  protected keepToLeases(): void {
    this.leases = new LeaseGate(this.remote, this, this.options.setupTimeoutMs)
  }

  /** Grants what the options say from now on, and tells the peer when leases were agreed on. */
  protected grantLeases(agreed: boolean): void {
    if (this.ended) return
    const { lease } = this.options
    if (lease === undefined) {
      if (agreed) this.sendLease(NO_LIMIT)
      return
    }
    const allowance = new LeaseBudget(this.runtime.scheduler)
    this.allowance = allowance
    const grant = (granted: Lease): void => {
      allowance.renew(granted)
      if (agreed) this.sendLease(granted)
    }
    let hasGranted = false
    this.granting = leasesOf(lease, this.runtime.scheduler).subscribe({
      next: granted => {
        hasGranted = true
        grant(granted)
      },
      error: (error: unknown) => {
        this.onLeaseFailed(RpcError.from(error, 'INTERNAL'))
        grant(NOTHING)
      },
      complete: () => {
        if (!hasGranted) grant(NOTHING) // or the peer would wait for the first
      },
    })
  }

  /** Answers the requests of the other side from now on. */
  protected serve(peer: Peer): void {
    this.acceptor.peer = peer
  }

  /** A frame before the connection is set up. True when it is set up and the frame is to be taken as any other. */
  protected abstract onFirstFrames(type: number, flags: number, streamId: number, frame: Frame): boolean

  /** Says what is wrong to the peer and to the log, and ends the connection. */
  protected fail(error: RpcError, code: number = ErrorCode.CONNECTION_ERROR): void {
    if (this.ended) return
    this.report('connection.failed', error)
    sendErrorFrame(this.sender, 0, code, error)
    this.end(error)
  }

  /** Ends the connection without a word to the peer. */
  protected end(end: ConnectionEnd): void {
    if (this.ended) return
    this.ended = true
    this.keepalive?.stop()
    this.closing?.unsubscribe()
    this.granting?.unsubscribe()
    this.socket.close()
    const streams = new Set([...this.streams.values(), ...this.unopened, ...this.sender.end()])
    this.streams.clear()
    this.unopened.clear()
    this.status$.next('closed')
    this.status$.complete()
    this.pushed.complete()
    const error = end ?? this.lost('it was closed')
    this.leases?.end(neverSent(error))
    for (const stream of streams) {
      try {
        stream.onConnectionLost(error)
      } catch (thrown) {
        logTeardown(this.log, thrown) // the others must hear of the end, too
      }
    }
    this.onEnd(end)
  }

  /** The error of calls that were running when the connection ended. */
  protected lost(why: string, cause?: unknown): RpcError {
    return new RpcError('UNAVAILABLE', `the connection to ${this.remote} is lost: ${why}`, {
      reason: 'connection_lost',
      cause,
    })
  }

  /** Begins to keep the connection alive, and to end it when the peer falls silent. */
  protected keepAlive(sendEveryMs: number, maxLifetimeMs: number): void {
    this.keepalive = new Keepalive(
      this.runtime,
      { sendEveryMs, maxLifetimeMs },
      {
        send: () => this.sender.send(0, FrameType.KEEPALIVE, Flag.RESPOND, NONE, undefined, NO_POSITION),
        dead: () => {
          if (!this.abandons(maxLifetimeMs)) this.onSilence(maxLifetimeMs)
          else if (!this.ended) this.keepAlive(sendEveryMs, maxLifetimeMs)
        },
      },
    )
  }

  private sendLease(lease: Lease): void {
    const { ttlMs, requests } = lease
    this.granted = lease
    const body = new Uint8Array(8)
    writeU32(body, 0, Math.min(ttlMs, MAX_31_BITS))
    writeU32(body, 4, Math.min(requests, MAX_31_BITS))
    this.sender.send(0, FrameType.LEASE, 0, NONE, undefined, body)
  }

  /** Nobody else can say how many requests may come, so none may. */
  private onLeaseFailed({ code, reason, message }: RpcError): void {
    const { local, remote } = this
    const fields = { local, remote, code, reason }
    this.log({
      level: 'error',
      event: 'lease.failed',
      message: `the leases of ${local} have failed: ${message}`,
      fields,
    })
  }

  /** The session goes on over another network connection: what was said of the connection before must be said again. */
  protected onResumed(): void {
    this.keepalive?.hear()
    this.payloadWindow.restart()
    if (this.granted !== undefined) {
      this.allowance?.renew(this.granted)
      this.sendLease(this.granted)
    }
    const hears = !this.metadata.foreign || this.closing !== undefined
    if (this.status$.value === 'draining' && !this.peerDrains && hears) this.sendDraining()
  }

  private isOwn(streamId: number): boolean {
    return (streamId & 1) === (this.nextId & 1)
  }

  private sendDraining(): void {
    const error = new RpcError('UNAVAILABLE', 'draining', { reason: 'draining' })
    sendErrorFrame(this.sender, 0, ErrorCode.CONNECTION_CLOSE, error)
  }

  private closeWhenIdle(): void {
    if (this.isBusy() || this.closing !== undefined || this.ended) return
    if (this.peerDrains) {
      // Not now: what ended the last call may still have a frame to send.
      this.runtime.microtask(() => {
        if (!this.isBusy()) this.end(undefined)
      })
    } else if (this.metadata.foreign) {
      this.runtime.microtask(() => {
        if (this.isBusy() || this.closing !== undefined || this.ended) return
        this.sendDraining()
        this.closeSoon()
      })
    } else this.closeSoon()
  }

  private closeSoon(): void {
    // The peer closes when it has read that we drain; a request that it sent before is refused, not lost.
    this.closing = this.runtime.scheduler.schedule(() => this.end(undefined), this.options.closeTimeoutMs)
  }

  private waits(queuedBytes: number, limit: number, retry?: RetryAdvice): RpcError {
    return new RpcError('RESOURCE_EXHAUSTED', `${queuedBytes} bytes wait for ${this.remote}, at most ${limit}`, {
      reason: 'queue_full',
      details: { queuedBytes, limit },
      ...(retry && { retry }),
    })
  }

  private isBusy(): boolean {
    return this.streams.size > 0 || this.sender.sending
  }

  private report(event: string, { code, reason, message }: RpcError): void {
    const { local, remote } = this
    const fields = { local, remote, code, reason }
    this.log({ level: 'warn', event, message: `connection ${local} – ${remote} ended: ${message}`, fields })
  }

  /** Whether a silent network connection is given up for another one. */
  private abandons(maxLifetimeMs: number): boolean {
    return this.session?.abandon(this.silence(maxLifetimeMs)) ?? false
  }

  private silence(maxLifetimeMs: number): RpcError {
    return this.lost(`nothing was heard for ${maxLifetimeMs} ms`)
  }

  private onClosed(): void {
    this.end(this.status$.value === 'draining' ? undefined : this.lost('the peer closed it'))
  }

  private onSilence(maxLifetimeMs: number): void {
    this.fail(this.silence(maxLifetimeMs))
    this.inbound?.unsubscribe() // a peer that reads nothing would keep the socket open
  }

  private onSocketError(cause: RpcError): void {
    // A frame over the limit leaves the way out open, so the peer can be told.
    if (cause.reason === 'frame_too_large') this.fail(cause)
    else if (!this.ended) {
      const error = TOLD_AS_THEY_ARE.has(cause.reason) ? cause : this.lost(cause.rawMessage, cause)
      this.report('connection.lost', error)
      this.end(error)
    }
    this.inbound?.unsubscribe()
  }

  /** No payload is on its way in fragments any more. */
  private onSent(): void {
    if (this.status$.value === 'draining') this.closeWhenIdle()
  }

  private onFrame(frame: Frame): void {
    if (this.ended) return
    this.keepalive?.hear()
    const { bytes, start, end } = frame
    if (end - start < HEADER_BYTES) {
      this.fail(malformed(`a frame of ${end - start} bytes`))
      return
    }
    const streamId = readU32(bytes, start)
    const typeAndFlags = readU16(bytes, start + 4)
    const type = typeAndFlags >>> 10
    const flags = typeAndFlags & 0x3ff
    if (streamId > MAX_31_BITS) this.fail(malformed('a stream id above 2^31 - 1'))
    else if (this.onFirstFrames(type, flags, streamId, frame)) {
      try {
        if (streamId === 0) this.onConnectionFrame(type, flags, frame)
        else if (!this.streamFrames.take(type, flags, streamId, frame)) this.onUnknown(type, flags)
      } catch (thrown) {
        logTeardown(this.log, thrown) // of a subscriber that this frame has ended
      }
      if (asksForAnswer(type) && this.sender.overcommittedBytes > 4 * this.options.maxQueuedBytes)
        this.fail(this.slowPeer())
    }
  }

  private onConnectionFrame(type: number, flags: number, { bytes, start, end }: Frame): void {
    switch (type) {
      case FrameType.KEEPALIVE:
        this.onKeepalive(flags, bytes, start, end)
        return
      case FrameType.ERROR:
        if (end - start < HEADER_BYTES + 4) this.fail(malformed('an ERROR frame without a code'))
        else this.onConnectionError(readU32(bytes, start + HEADER_BYTES), bytes, start + HEADER_BYTES + 4, end)
        return
      case FrameType.LEASE:
        this.onLease(bytes, start, end)
        return
      case FrameType.METADATA_PUSH:
        this.onMetadataPush(bytes, start, end)
        return
      case FrameType.SETUP: // a second one
      case FrameType.CANCEL:
      case FrameType.PAYLOAD:
      case FrameType.REQUEST_N:
        return
      default:
        this.onUnknown(type, flags)
    }
  }

  private onKeepalive(flags: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start < HEADER_BYTES + 8) {
      this.fail(malformed('a KEEPALIVE frame without a position'))
      return
    }
    if ((flags & Flag.RESPOND) === 0) {
      this.payloadWindow.answer(bytes, start + HEADER_BYTES + 8, end)
      return
    }
    const echo = bytes.slice(start + HEADER_BYTES, end)
    echo.set(NO_POSITION)
    this.sender.send(0, FrameType.KEEPALIVE, 0, NONE, undefined, echo)
  }

  private sendProbe(bytes: Uint8Array): void {
    const body = new Uint8Array(NO_POSITION.length + bytes.length)
    body.set(bytes, NO_POSITION.length)
    this.sender.send(0, FrameType.KEEPALIVE, Flag.RESPOND, NONE, undefined, body)
  }

  private onLease(bytes: Uint8Array, start: number, end: number): void {
    if (end - start < HEADER_BYTES + 8) this.fail(malformed('a LEASE frame without its numbers'))
    else
      this.leases?.renew({
        ttlMs: readU32(bytes, start + HEADER_BYTES),
        requests: readU32(bytes, start + HEADER_BYTES + 4),
      })
  }

  private onMetadataPush(bytes: Uint8Array, start: number, end: number): void {
    if (!this.pushed.observed) return
    let pushed: Header
    try {
      pushed = this.metadata.readHeader(bytes, start + HEADER_BYTES, end)
    } catch {
      return // what a foreign peer pushes need not be for us
    }
    this.pushed.next(pushed)
  }

  private onConnectionError(code: number, bytes: Uint8Array, start: number, end: number): void {
    if (code === ErrorCode.CONNECTION_ERROR) {
      const error = readError(code, bytes, start, end)
      if (error.reason === 'connection_closed') this.onClosed()
      else this.end(this.lost('the peer ended it', error))
    }
    if (code !== ErrorCode.CONNECTION_CLOSE || this.ended) return
    this.peerDrains = true
    this.session?.peerDrains()
    if (this.status$.value === 'open') this.status$.next('draining')
    this.closeWhenIdle()
  }

  private onUnknown(type: number, flags: number): void {
    if ((flags & Flag.IGNORE) === 0)
      this.fail(malformed(`a frame of type 0x${type.toString(16)}, which is not understood`))
  }

  private slowPeer(): RpcError {
    return new RpcError('RESOURCE_EXHAUSTED', `${this.remote} goes on asking but does not read its answers`, {
      reason: 'slow_peer',
    })
  }
}

/** Reasons of a socket that say that the connection is lost, or more: it was not resumed, or never came about. */
const TOLD_AS_THEY_ARE: ReadonlySet<string> = new Set([
  'connection_lost',
  'resume_rejected',
  'resume_expired',
  'resume_overflow',
  'connect_failed',
  'tls_failed',
])

const NO_POSITION = new Uint8Array(8)

/** Takes all leave away. */
const NOTHING: Lease = { ttlMs: 0, requests: 0 }

/** For a peer that has to be given a lease, by a side that asks for no limit. */
const NO_LIMIT: Lease = { ttlMs: MAX_31_BITS, requests: MAX_31_BITS }

/** Whether a frame makes us send something, whatever the peer reads; what is sent for an item is credit, or an error. */
function asksForAnswer(type: number): boolean {
  const isRequest = type >= FrameType.REQUEST_RESPONSE && type <= FrameType.REQUEST_CHANNEL
  return isRequest || type === FrameType.KEEPALIVE || type === FrameType.PAYLOAD
}
