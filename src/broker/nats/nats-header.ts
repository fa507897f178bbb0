import type { Header } from '../../core/index.js'
import type { NatsHeaders } from '../../transport/nats/index.js'

/** Names that others read, as they write them: NATS tells upper from lower case. */
const WRITTEN: Readonly<Record<string, string>> = Object.assign(Object.create(null) as Record<string, string>, {
  'content-type': 'Content-Type',
  'nats-msg-id': 'Nats-Msg-Id',
  'millrace-key': 'Millrace-Key',
  'millrace-time': 'Millrace-Time',
})

/** The entries of a header as NATS carries them; `undefined` when there are none. */
export function natsHeadersOf(header: Header): (readonly [name: string, value: string])[] | undefined {
  let entries: [name: string, value: string][] | undefined
  for (const name in header) (entries ??= []).push([WRITTEN[name] ?? name, header[name] as string])
  return entries
}

/** What NATS has carried, as a header: of a name in different cases, one. */
export function headerOf(headers: NatsHeaders | undefined): Header {
  if (headers === undefined) return NONE
  const header: Record<string, string> = Object.create(null)
  for (const name of headers.keys()) header[name.toLowerCase()] = headers.get(name)
  return header
}

const NONE: Header = Object.freeze(Object.create(null) as Header)
