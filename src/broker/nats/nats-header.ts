import type { Header } from '../../core/index.js'

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
