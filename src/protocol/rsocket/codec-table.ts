import type { Codec } from '../../codec/index.js'
import { RpcError } from '../../core/index.js'
import type { RequestMetadata } from './metadata-dialect.js'

/** How one call is read and answered. */
export interface CallCodecs {
  /** Reads its requests. */
  readonly request: Codec
  /** Writes its replies. */
  readonly reply: Codec
}

/** The codecs that a side speaks, by MIME type. */
export class CodecTable {
  private readonly byType: ReadonlyMap<string, Codec>
  private usual: CallCodecs | undefined

  /** A table of `codecs`; of several with one type, the first counts. */
  constructor(codecs: readonly Codec[]) {
    this.byType = new Map(codecs.toReversed().map(codec => [codec.contentType, codec]))
    this.usual = undefined
  }

  /** The MIME types spoken, for error messages. */
  get types(): string {
    return [...this.byType.keys()].toReversed().join(', ')
  }

  /** The codec of a MIME type; parameters such as `charset` are ignored. */
  get(mimeType: string): Codec | undefined {
    return this.byType.get(mimeType) ?? this.byType.get(plainType(mimeType))
  }

  /**
   * The codecs of a request: those that it names, else `usual`. Throws INVALID_ARGUMENT (reason `unsupported_type`) when it
   * is of a type that is not spoken, or takes none that is.
   */
  of({ dataType, acceptTypes }: Pick<RequestMetadata, 'dataType' | 'acceptTypes'>, usual: Codec): CallCodecs {
    if (dataType === undefined && acceptTypes.length === 0) return this.both(usual)
    const request = dataType === undefined ? usual : this.get(dataType)
    if (request === undefined) throw this.unsupported('the request is', dataType)
    if (acceptTypes.length === 0) return this.both(request)
    for (const type of acceptTypes) {
      const reply = this.get(type)
      if (reply !== undefined) return { request, reply }
    }
    throw this.unsupported('replies may be', acceptTypes.join(', '))
  }

  /** Made once for the codec of a connection, which is that of most calls. */
  private both(codec: Codec): CallCodecs {
    if (this.usual?.request !== codec) this.usual = { request: codec, reply: codec }
    return this.usual
  }

  private unsupported(what: string, types: string | undefined): RpcError {
    return new RpcError('INVALID_ARGUMENT', `${what} of type ${JSON.stringify(types)}, spoken here: ${this.types}`, {
      reason: 'unsupported_type',
    })
  }
}

/** Names under which other implementations know the same bytes. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['application/x-msgpack', 'application/msgpack'],
  ['application/vnd.msgpack', 'application/msgpack'],
])

function plainType(mimeType: string): string {
  const type = (mimeType.split(';', 1)[0] ?? '').trim().toLowerCase()
  return ALIASES.get(type) ?? type
}
