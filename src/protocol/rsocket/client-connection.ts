import type { Frame } from '../../transport/index.js'
import type { Peer } from '../peer.js'
import { RSocketConnection, type ConnectionEnd } from './connection.js'
import { readError } from './error-frame.js'
import { ErrorCode, Flag, FrameType, HEADER_BYTES, NONE, readU32 } from './frame.js'
import type { ResolvedRSocketOptions } from './options.js'
import type { ClientSession, SessionSocket } from './resume/session.js'
import { setupBody } from './setup.js'

/** A connection that we opened: it begins with SETUP, and requests may follow at once. */
export class ClientConnection extends RSocketConnection {
  private readonly clientSession: ClientSession | undefined
  private heard: boolean

  constructor(
    socket: SessionSocket<ClientSession>,
    options: ResolvedRSocketOptions,
    peer: Peer | undefined,
    onEnd: (end: ConnectionEnd) => void,
  ) {
    super(socket, options, 1, onEnd)
    this.clientSession = socket.session
    this.heard = false
    if (peer !== undefined) this.serve(peer)
  }

  /** Sends SETUP and begins to read. */
  override start(): void {
    const { keepAliveMs, maxLifetimeMs, codec, metadata, attributes, honorLease } = this.options
    const token = this.clientSession?.begin()
    const setup = setupBody({
      keepAliveMs,
      maxLifetimeMs,
      token,
      lease: honorLease,
      metadataType: metadata.mimeType,
      dataType: codec.contentType,
      metadata: this.metadata.writeHeader(attributes),
      data: NO_DATA,
    })
    const flags = Flag.METADATA | (honorLease ? Flag.LEASE : 0) | (token === undefined ? 0 : Flag.RESUME)
    this.sender.send(0, FrameType.SETUP, flags, NONE, undefined, setup)
    if (honorLease) this.keepToLeases()
    this.grantLeases(honorLease)
    this.keepAlive(keepAliveMs, maxLifetimeMs)
    super.start()
  }

  protected override onFirstFrames(
    type: number,
    _flags: number,
    streamId: number,
    { bytes, start, end }: Frame,
  ): boolean {
    if (this.heard) return true
    this.heard = true
    const at = start + HEADER_BYTES
    if (type !== FrameType.ERROR || streamId !== 0 || at + 4 > end) return true
    const code = readU32(bytes, at)
    if (!SETUP_ERRORS.has(code)) return true
    this.end(readError(code, bytes, at + 4, end))
    return false
  }
}

const NO_DATA = new Uint8Array(0)

const SETUP_ERRORS: ReadonlySet<number> = new Set([
  ErrorCode.INVALID_SETUP,
  ErrorCode.UNSUPPORTED_SETUP,
  ErrorCode.REJECTED_SETUP,
])
