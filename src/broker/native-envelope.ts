import type { Codec } from '../codec/index.js'
import { emptyHeader, type Header, type Message, RpcError } from '../core/index.js'
import type { Enveloped, Envelope, EnvelopeFacts } from './envelope.js'

/**
 * The envelope of millrace: the payload is the body, as `codec` writes it, and everything else is header entries:
 * `content-type` (unless there is no body), `nats-msg-id` (the id), `millrace-key`, `millrace-time`, and those of the
 * message. Messages of other publishers, without these, are read too, whatever content type they say: a subscriber knows
 * what it subscribes to.
 */
export function nativeEnvelope(codec: Codec): Envelope {
  return {
    write: (_topic, message, facts) => ({
      header: headerOf(message.body === undefined ? undefined : codec.contentType, message.header, facts),
      payload: message.body === undefined ? NO_BODY : codec.encode(message.body, 0),
    }),
    facts: ({ header }) => {
      const time = Number(header['millrace-time'])
      return {
        id: header['nats-msg-id'],
        key: header['millrace-key'],
        publishedAt: time > 0 && time < Infinity ? time : undefined,
      }
    },
    read: ({ header, payload }: Enveloped) => ({
      header: withoutReserved(header),
      body:
        payload.length === 0 && header['content-type'] === undefined
          ? undefined
          : codec.decodeUnsafe(payload, 0, payload.length),
    }),
  }
}

const NO_BODY = new Uint8Array(0)

/**
 * An object without names of its own: as one of `Object.create(null)`, but in the form in which engines keep objects that
 * a constructor has made, and which they read several times as fast.
 */
const Entries = function () {} as unknown as new () => Record<string, string>
Entries.prototype = Object.freeze(Object.create(null))

function headerOf(contentType: string | undefined, entries: Header, { id, key, publishedAt }: EnvelopeFacts): Header {
  const header = new Entries()
  if (contentType !== undefined) header['content-type'] = contentType
  if (id !== undefined) header['nats-msg-id'] = id
  if (key !== undefined) header['millrace-key'] = key
  if (publishedAt !== undefined) header['millrace-time'] = String(publishedAt)
  if (entries === emptyHeader) return header
  for (const name of Object.keys(entries)) {
    if (isReserved(name)) throw reserved(name)
    header[name] = entries[name] as string
  }
  return header
}

/** Whether a header name is not for messages: it is the envelope's, of brokers or of NATS. */
function isReserved(name: string): boolean {
  return name === 'content-type' || name.startsWith('millrace-') || name.startsWith('nats-')
}

function withoutReserved(header: Header): Message['header'] {
  let own: Record<string, string> | undefined
  for (const name in header) {
    if (isReserved(name)) continue
    own ??= Object.create(null) as Record<string, string>
    own[name] = header[name] as string
  }
  return own ?? emptyHeader
}

function reserved(name: string): RpcError {
  const message = `header ${name}: names of a message must not be content-type, nor begin with millrace- or nats-`
  return new RpcError('INVALID_ARGUMENT', message, { reason: 'invalid_header' })
}
