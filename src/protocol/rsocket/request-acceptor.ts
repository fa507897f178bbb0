import { Subscriber } from 'rxjs'
import { messageOf, RpcError, retrySafely, type Log, type Message } from '../../core/index.js'
import { runCall, type Peer, type SingleCall, type StreamingCall } from '../peer.js'
import { sendError } from './error-frame.js'
import { Flag, FrameType, MAX_31_BITS } from './frame.js'
import type { RequestMetadata } from './metadata-dialect.js'
import type { CallCodecs, CodecTable } from './codec-table.js'
import type { LeaseBudget } from './lease.js'
import { logTeardown, readBody, type Multiplexer } from './multiplexer.js'
import { ChannelResponder } from './channel-responder.js'
import { StreamResponder } from './stream-responder.js'
import { UnaryResponder } from './unary-responder.js'
import type { Stream } from './stream.js'

/** What the acceptor needs of its connection. */
export interface AcceptorContext extends Multiplexer {
  /** What is left of the leases we gave the peer, if it has to keep to any. */
  readonly allowance: LeaseBudget | undefined
  /** The codecs that a request may ask for. */
  readonly codecs: CodecTable
  /** Enters a stream that the peer opened. */
  accepted(streamId: number, stream: Stream): void
  /** Why no call can be taken on while the peer does not read its answers, if so. */
  queueFull(): RpcError | undefined
}

/** The fixed fields of a request frame. */
export interface RequestHead {
  /** Type of the frame. */
  readonly type: number
  /** Flags of the frame. */
  readonly flags: number
  /** The stream that it opens. */
  readonly streamId: number
  /** Initial request-n of streams and channels. */
  readonly credit: number
  /** Whether the connection takes no new calls. */
  readonly draining: boolean
}

/** Turns request frames into calls of `peer`, or refuses them. */
export class RequestAcceptor {
  /** Who answers; set when the connection is set up. */
  peer: Peer | undefined
  private readonly context: AcceptorContext
  private readonly maxStreams: number
  private running: number
  private refusedStream: RpcError | undefined

  constructor(context: AcceptorContext, maxStreams: number) {
    this.peer = undefined
    this.context = context
    this.maxStreams = maxStreams
    this.running = 0
    this.refusedStream = undefined
  }

  /** A call has ended: there is room for another. */
  released(): void {
    this.running--
  }

  /** Answers a request frame whose metadata is `[start, metadataEnd)` and whose data goes on to `end`. */
  accept(head: RequestHead, bytes: Uint8Array, start: number, metadataEnd: number, end: number): void {
    const { context } = this
    let metadata: RequestMetadata
    let codecs: CallCodecs
    let body: unknown
    try {
      // Read in any case: it may spell out a route that later requests name.
      metadata = context.metadata.readRequest(bytes, start, metadataEnd)
      const refusal = this.refusal(head)
      if (refusal !== undefined) throw refusal
      codecs = context.codecs.of(metadata, context.codec)
      body = metadata.hasBody ? readBody(context.metadata, codecs.request, bytes, metadataEnd, end) : undefined
    } catch (error) {
      if (head.type !== FrameType.REQUEST_FNF) sendError(context.sender, head.streamId, error)
      return
    }
    if (this.peer !== undefined) this.start(this.peer, head, metadata, codecs, body)
  }

  /** Reads the metadata of a request that is refused, for it may spell out a route that later requests name. */
  learn(bytes: Uint8Array, start: number, metadataEnd: number): void {
    try {
      this.context.metadata.readRequest(bytes, start, metadataEnd)
    } catch {
      // It is refused in any case.
    }
  }

  private refusal({ type, credit, draining }: RequestHead): RpcError | undefined {
    if (this.peer === undefined) return SERVES_NOTHING
    if (draining) return DRAINING
    if (this.running >= this.maxStreams) return this.tooManyStreams()
    const full = this.context.queueFull()
    if (full !== undefined) return full
    const needsCredit = type === FrameType.REQUEST_STREAM || type === FrameType.REQUEST_CHANNEL
    if (needsCredit && (credit === 0 || credit > MAX_31_BITS)) {
      return new RpcError('INVALID_ARGUMENT', `initial request-n is ${credit}`, { reason: 'malformed_frame' })
    }
    const { allowance } = this.context
    if (allowance === undefined || allowance.take()) return undefined
    return LEASE_EXCEEDED
  }

  private tooManyStreams(): RpcError {
    const message = `${this.maxStreams} calls run on this connection`
    return (this.refusedStream ??= refused('RESOURCE_EXHAUSTED', 'too_many_streams', message))
  }

  private start(peer: Peer, head: RequestHead, metadata: RequestMetadata, codecs: CallCodecs, body: unknown): void {
    const { streamId, type, flags } = head
    const credit = head.credit >= MAX_31_BITS ? Infinity : head.credit
    const { context } = this
    this.running++
    if (type === FrameType.REQUEST_FNF) {
      runCall(peer, this.call('tell', metadata, body), new TellResponder(context.log, () => this.released()))
    } else if (type === FrameType.REQUEST_RESPONSE) {
      const responder = new UnaryResponder(context, codecs.reply, streamId)
      context.accepted(streamId, responder)
      responder.start(peer, this.call('unary', metadata, body))
    } else if (type === FrameType.REQUEST_STREAM) {
      const responder = new StreamResponder(
        context,
        codecs.reply,
        streamId,
        peer,
        this.call('serverStream', metadata, body),
        credit,
      )
      context.accepted(streamId, responder)
      responder.start()
    } else {
      const kind: StreamingCall['kind'] = metadata.oneReply === true ? 'clientStream' : 'duplex'
      const anyStream = metadata.oneReply === undefined
      const call = { ...this.call('unary', metadata, undefined), kind, anyStream }
      const complete = (flags & Flag.COMPLETE) !== 0
      const first = context.metadata.foreign && metadata.hasBody ? messageOf(body) : undefined
      const { request: requestCodec, reply: replyCodec } = codecs
      const opened = { credit, complete, first, requestCodec, replyCodec }
      const responder = new ChannelResponder(context, streamId, peer, call, opened)
      context.accepted(streamId, responder)
      responder.start()
    }
  }

  private call(kind: SingleCall['kind'], { route, remainingMs, header }: RequestMetadata, body: unknown): SingleCall {
    const deadline = remainingMs === undefined ? undefined : this.context.runtime.scheduler.now() + remainingMs
    return { kind, route, header, deadline, key: undefined, body }
  }
}

/** Lets a call run to which nothing is answered. */
class TellResponder extends Subscriber<Message> {
  private readonly log: Log

  constructor(log: Log, ended: () => void) {
    super()
    this.log = log
    this.add(ended)
  }

  override unsubscribe(): void {
    try {
      super.unsubscribe()
    } catch (error) {
      logTeardown(this.log, error)
    }
  }

  protected override _error(): void {
    this.unsubscribe() // the server has logged it, and nobody waits for it
  }
}

function refused(code: 'UNAVAILABLE' | 'RESOURCE_EXHAUSTED', reason: string, message: string): RpcError {
  return new RpcError(code, message, { reason, retry: retrySafely })
}

/**
 * Refusals that a peer can have as many of as it likes are made once: the stack of an error costs four times as much as
 * all the rest of a refusal.
 */
const SERVES_NOTHING = new RpcError('UNIMPLEMENTED', 'this side of the connection answers no calls', {
  reason: 'serves_nothing',
})
const DRAINING = refused('UNAVAILABLE', 'draining', 'the service is shutting down')
const LEASE_EXCEEDED = refused('RESOURCE_EXHAUSTED', 'lease_exceeded', 'more requests than the lease allows')
