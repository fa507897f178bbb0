import { type Chance } from './chance.js'
import { joined, u24 } from './raw-frame.js'
import { text } from './raw-peer.js'

/** How a peer writes the metadata of its requests: millrace's way, or as other implementations of RSocket do. */
export type Dialect = 'compact' | 'composite'

/** What the metadata of a request is to say. */
export interface RequestSays {
  /** Endpoint of the contract `test`. */
  readonly endpoint: string
  /** Whether the frame carries a request. */
  readonly hasBody: boolean
  /** Whether a channel is to have one reply. */
  readonly oneReply: boolean
}

const utf8 = new TextEncoder()

/** Metadata of a request that may be sent, with what is optional drawn by chance. */
export function requestMetadata(chance: Chance, dialect: Dialect, says: RequestSays): Uint8Array {
  return dialect === 'compact' ? compact(chance, says) : composite(chance, says)
}

/** A header of millrace: a count, and so many names and values. */
export function headerOf(chance: Chance, entries: number): Uint8Array {
  const fields = Array.from({ length: entries }, (_, index) =>
    joined(text(chance.oneIn(9) ? '__proto__' : `name-${index}`), text('v'.repeat(chance.below(20)))),
  )
  return joined([entries], ...fields)
}

function compact(chance: Chance, { endpoint, hasBody, oneReply }: RequestSays): Uint8Array {
  const routeId = chance.pick([0, 1, 2, 3, 1024])
  const spelled = routeId === 0 || !chance.oneIn(5)
  const deadline = chance.oneIn(6)
  const header = chance.oneIn(6)
  return joined(
    [(spelled ? 1 : 0) | (deadline ? 2 : 0) | (header ? 4 : 0) | (hasBody ? 0 : 8) | (oneReply ? 16 : 0)],
    varint(routeId),
    spelled ? joined(text('test'), text('1.0.0'), text(endpoint)) : [],
    deadline ? varint(chance.pick([0, 1, 50, 70_000, 0xffff_ffff])) : [],
    header ? headerOf(chance, chance.pick([0, 1, 3, 64])) : [],
  )
}

/** Well-known MIME types with a meaning in requests, and some without. */
const KNOWN = { mimeType: 0x7a, accept: 0x7b, authentication: 0x7c, tracing: 0x7d, routing: 0x7e } as const

function composite(chance: Chance, { endpoint }: RequestSays): Uint8Array {
  const route = entry(KNOWN.routing, text(`test.${endpoint}`))
  const others = Array.from({ length: chance.pick([0, 0, 1, 2, 5]) }, () => otherEntry(chance))
  return joined(...(chance.oneIn(2) ? [route, ...others] : [...others, route]))
}

function otherEntry(chance: Chance): Uint8Array {
  switch (chance.below(7)) {
    case 0:
      return entry(KNOWN.mimeType, chance.pick([[0x85], customMime('application/msgpack'), [0x86]]))
    case 1:
      return entry(KNOWN.accept, joined([0x85], customMime('application/msgpack')))
    case 2:
      return entry(KNOWN.authentication, joined([0x80], [0, 1], utf8.encode('up')))
    case 3:
      return entry(KNOWN.authentication, joined([0x81], utf8.encode('token')))
    case 4:
      return entry(KNOWN.tracing, joined([0x80], chance.bytes(16)))
    case 5:
      return entry(KNOWN.routing, joined(text('a'), text('b')))
    default:
      return joined(customMime('x/y'.repeat(1 + chance.below(40))), u24(3), chance.bytes(3))
  }
}

function entry(wellKnown: number, content: readonly number[] | Uint8Array): Uint8Array {
  return joined([0x80 | wellKnown], u24(content.length), content)
}

/** A MIME type by name; its length is stored less one. */
function customMime(name: string): Uint8Array {
  return joined([name.length - 1], utf8.encode(name))
}

function varint(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 0x80) return [...bytes, rest]
    bytes.push((rest % 128) | 0x80)
  }
}
