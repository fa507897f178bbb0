import type { Codec } from '../../codec/index.js'
import { emptyHeader, type Header, type Message, RpcError } from '../../core/index.js'
import type { Envelope, Enveloped, EnvelopeFacts } from '../envelope.js'

/** Names that are not the message's own. */
const RESERVED: ReadonlySet<string> = new Set([
  'content-type',
  'micro-id',
  'micro-topic',
  'millrace-key',
  'millrace-time',
])

/** What go-micro puts into the payload. */
interface GoMicroMessage {
  readonly header: Header
  readonly body: Uint8Array
}

/**
 * The envelope of go-micro's brokers that carry nothing but a payload, as its NATS broker: JSON of `Header` and `Body`,
 * the latter in base64. Names of fields and entries are read in any case, as Go does; entries are written as Go's
 * services look them up, `Content-Type`. What go-micro does not know, the key and the time, are further entries.
 */
export function goMicroEnvelope(codec: Codec): Envelope {
  let last: { readonly payload: Uint8Array; readonly message: GoMicroMessage } | undefined
  // Facts and message are read one after the other.
  const open = (payload: Uint8Array): GoMicroMessage => {
    if (last?.payload !== payload) last = { payload, message: readMessage(payload) }
    return last.message
  }
  return {
    write: (topic, { header, body }, { id, key, publishedAt }) => {
      const entries: Record<string, string> = Object.create(null)
      for (const name of Object.keys(header)) {
        if (RESERVED.has(name)) throw reserved(name)
        entries[titleOf(name)] = header[name] as string
      }
      if (body !== undefined) entries['Content-Type'] = codec.contentType
      if (id !== undefined) entries['Micro-Id'] = id
      entries['Micro-Topic'] = topic
      if (key !== undefined) entries['Millrace-Key'] = key
      if (publishedAt !== undefined) entries['Millrace-Time'] = String(publishedAt)
      const encoded = body === undefined ? '' : base64Of(codec.encode(body, 0))
      return { header: emptyHeader, payload: Buffer.from(JSON.stringify({ Header: entries, Body: encoded })) }
    },
    facts: ({ payload }) => {
      try {
        return factsOf(open(payload).header)
      } catch {
        return NOTHING_KNOWN // reading says why
      }
    },
    read: ({ payload }: Enveloped): Message => {
      const { header, body } = open(payload)
      return {
        header: ownOf(header),
        body: body.length === 0 ? undefined : codec.decodeUnsafe(body, 0, body.length),
      }
    },
  }
}

const NOTHING_KNOWN: EnvelopeFacts = { id: undefined, key: undefined, publishedAt: undefined }

function factsOf(header: Header): EnvelopeFacts {
  const time = Number(header['millrace-time'])
  return {
    id: header['micro-id'],
    key: header['millrace-key'],
    publishedAt: time > 0 && time < Infinity ? time : undefined,
  }
}

function ownOf(header: Header): Header {
  const own: Record<string, string> = Object.create(null)
  for (const name of Object.keys(header)) if (!RESERVED.has(name)) own[name] = header[name] as string
  return own
}

function readMessage(payload: Uint8Array): GoMicroMessage {
  const fields = fieldsOf(parse(payload))
  const header: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(fieldsOf(fields['header'] ?? {}))) {
    if (typeof value !== 'string') throw notDecodable(`entry ${JSON.stringify(name)} of Header is no text`)
    header[name] = value
  }
  const body = fields['body'] ?? ''
  if (typeof body !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(body)) throw notDecodable('Body is no base64')
  return { header, body: Buffer.from(body, 'base64') }
}

/** The fields of an object, by their names in lower case. */
function fieldsOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw notDecodable('expected an object')
  const fields: Record<string, unknown> = Object.create(null)
  for (const [name, field] of Object.entries(value)) fields[name.toLowerCase()] = field
  return fields
}

function parse(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
  } catch (error) {
    throw notDecodable('it is no JSON', error)
  }
}

function notDecodable(what: string, cause?: unknown): RpcError {
  return new RpcError('INVALID_ARGUMENT', `the message is not as go-micro writes it: ${what}`, {
    reason: 'not_decodable',
    cause,
  })
}

function reserved(name: string): RpcError {
  const message = `header ${name}: go-micro's envelope has an entry of that name, or millrace in it`
  return new RpcError('INVALID_ARGUMENT', message, { reason: 'invalid_header' })
}

function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

/** `content-type` as `Content-Type`. */
function titleOf(name: string): string {
  return name.replace(/(^|-)[a-z]/g, initial => initial.toUpperCase())
}
