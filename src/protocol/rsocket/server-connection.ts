import type { Subscription } from 'rxjs'
import { emptyHeader, RpcError, type Header } from '../../core/index.js'
import type { Frame } from '../../transport/index.js'
import type { Peer } from '../peer.js'
import type { Connection } from '../protocol.js'
import { compactMetadata } from './compact-metadata.js'
import { compositeMetadata } from './composite-metadata.js'
import { RSocketConnection, type ConnectionEnd } from './connection.js'
import { ErrorCode, FrameType } from './frame.js'
import type { ResolvedRSocketOptions } from './options.js'
import type { ServerSession, SessionSocket } from './resume/session.js'
import { readSetup, type Setup } from './setup.js'

/** A connection that a client opened: nothing is answered before its SETUP is accepted. */
export class ServerConnection extends RSocketConnection {
  /** What the client said first. */
  setup: Setup | undefined
  private readonly serverSession: ServerSession | undefined
  private readonly answer: (remote: Connection) => Peer
  private setupTimer: Subscription | undefined
  private established: boolean

  constructor(
    socket: SessionSocket<ServerSession>,
    options: ResolvedRSocketOptions,
    answer: (remote: Connection) => Peer,
    onEnd: (end: ConnectionEnd) => void,
  ) {
    super(socket, options, 2, end => {
      this.setupTimer?.unsubscribe()
      onEnd(end)
    })
    this.setup = undefined
    this.serverSession = socket.session
    this.answer = answer
    this.setupTimer = undefined
    this.established = false
  }

  /** Begins to read; the first frame must come in time. */
  override start(): void {
    const { setupTimeoutMs } = this.options
    this.setupTimer = this.runtime.scheduler.schedule(() => {
      this.fail(invalidSetup(`no SETUP within ${setupTimeoutMs} ms`, 'setup_timeout'), ErrorCode.INVALID_SETUP)
    }, setupTimeoutMs)
    super.start()
  }

  protected override onFirstFrames(type: number, flags: number, streamId: number, frame: Frame): boolean {
    if (this.established) return true
    this.setupTimer?.unsubscribe()
    if (type === FrameType.RESUME && streamId === 0) {
      this.resume(frame)
      return false
    }
    try {
      if (type !== FrameType.SETUP || streamId !== 0)
        throw invalidSetup('the first frame is not SETUP', 'invalid_setup')
      this.establish(this.readSetup(frame, flags))
    } catch (error) {
      const refusal = RpcError.from(error, 'INTERNAL')
      this.fail(refusal, setupErrorCodes.get(refusal.reason) ?? ErrorCode.REJECTED_SETUP)
    }
    return false
  }

  /** What goes on is another connection: of this one, nothing is left. */
  private resume({ bytes, start, end }: Frame): void {
    try {
      if (this.serverSession === undefined) throw notResumable()
      this.serverSession.resume(bytes, start, end)
      this.end(undefined)
    } catch (error) {
      this.fail(RpcError.from(error, 'INTERNAL'), ErrorCode.REJECTED_RESUME)
    }
  }

  private readSetup({ bytes, start, end }: Frame, flags: number): Setup {
    const setup = readSetup(bytes, start, end, flags)
    const { metadataType, dataType } = setup
    if (setup.lease && this.options.lease === undefined) throw leaseUnsupported()
    const dialects = [this.options.metadata, compactMetadata(), compositeMetadata()]
    const dialect = dialects.find(({ mimeType }) => mimeType === metadataType)
    if (dialect === undefined) {
      throw unsupported('metadata', metadataType, [...new Set(dialects.map(({ mimeType }) => mimeType))].join(', '))
    }
    const codec = this.codecs.get(dataType)
    if (codec === undefined) throw unsupported('data', dataType, this.codecs.types)
    this.metadata = dialect.open()
    this.codec = codec
    return setup
  }

  private establish(setup: Setup): void {
    const { keepAliveMs, maxLifetimeMs, metadata, token } = setup
    if (token !== undefined) {
      if (this.serverSession === undefined) throw notResumable()
      this.serverSession.begin(token)
    }
    this.setup = setup
    this.attributes = this.readAttributes(metadata)
    this.established = true
    if (setup.lease) this.keepToLeases()
    this.keepAlive(Infinity, Math.min(Math.max(maxLifetimeMs, keepAliveMs), MAX_SILENCE_MS))
    this.serve(this.answer(this))
    this.grantLeases(setup.lease) // when it is accepted: a client takes whatever comes before a refusal for a yes
  }

  private readAttributes(metadata: Uint8Array | undefined): Header {
    if (metadata === undefined) return emptyHeader
    try {
      return this.metadata.readHeader(metadata, 0, metadata.length)
    } catch (cause) {
      throw invalidSetup('its metadata cannot be read', 'invalid_setup', cause)
    }
  }
}

/** What the client of an accepted connection said in its SETUP frame; `undefined` of any other connection. */
export function setupOf(connection: Connection): Setup | undefined {
  return connection instanceof ServerConnection ? connection.setup : undefined
}

/** Longest silence of a client, whatever its SETUP says: one that lost its power is not waited for for weeks. */
const MAX_SILENCE_MS = 3_600_000

const setupErrorCodes: ReadonlyMap<string, number> = new Map([
  ['invalid_setup', ErrorCode.INVALID_SETUP],
  ['unsupported_setup', ErrorCode.UNSUPPORTED_SETUP],
  ['lease_unsupported', ErrorCode.UNSUPPORTED_SETUP],
])

function notResumable(): RpcError {
  const message = 'SETUP: resumption is not offered here'
  return new RpcError('FAILED_PRECONDITION', message, { reason: 'resume_unsupported' })
}

function unsupported(what: string, theirs: string, ours: string): RpcError {
  return new RpcError(
    'FAILED_PRECONDITION',
    `SETUP: ${what} of type ${JSON.stringify(theirs)}, this server speaks ${ours}`,
    {
      reason: 'unsupported_setup',
    },
  )
}

function leaseUnsupported(): RpcError {
  return new RpcError('FAILED_PRECONDITION', 'SETUP: leases are not offered here', { reason: 'lease_unsupported' })
}

function invalidSetup(what: string, reason: string, cause?: unknown): RpcError {
  return new RpcError('FAILED_PRECONDITION', `SETUP: ${what}`, { reason, cause })
}
