import { type Chance } from './chance.js'
import { headerOf, requestMetadata, type Dialect } from './hostile-metadata.js'
import { frameBytes, joined, types, u24, u32, type FrameParts } from './raw-frame.js'
import { METADATA_TYPE, setupFrame } from './raw-peer.js'

/**
 * What a hostile peer sends on one connection: sequences that the protocol allows, woven into each other, and among
 * them frames that are damaged, misplaced or noise. How many of those depends on the temper of the connection, so that
 * some live long enough to have much to lose.
 */
export interface Conversation {
  /** The frame that a client begins with; mostly one that a server accepts. */
  first(): Uint8Array
  /** The next frame. */
  next(): Uint8Array
  /** Tells of a stream that the other side has opened. */
  heard(streamId: number): void
  /** Tells that the other side wants to go on with a session: the next frame says that it does, as a rule. */
  heardResume(): void
}

/** Endpoints of the contract `test`, by the request that fits them. */
const ENDPOINTS = {
  REQUEST_RESPONSE: ['echo', 'fails', 'later', 'never'],
  REQUEST_FNF: ['note', 'failingNote'],
  REQUEST_STREAM: ['numbers', 'forever', 'failsLate'],
  REQUEST_CHANNEL: ['chat', 'sum', 'deaf'],
} as const

type RequestName = keyof typeof ENDPOINTS

const REQUESTS = Object.keys(ENDPOINTS) as RequestName[]
const STRANGE_ENDPOINTS = ['nowhere', '__proto__', 'constructor', '', 'é'.repeat(100)]
const COMPOSITE = 'message/x.rsocket.composite-metadata.v0'
const RESUME_OK = 0x0e
const MOST_CREDIT = 0x7fff_ffff
/** Sequences that are under way at once. */
const SCRIPTS = 5
const NO_FRAME = new Uint8Array(0)

/** The frames of one connection, from the given side. */
export function conversation(chance: Chance, side: 'client' | 'server'): Conversation {
  return new HostileConversation(chance, side)
}

class HostileConversation implements Conversation {
  private readonly chance: Chance
  private readonly dialect: Dialect
  private readonly dataType: string
  /** One frame in so many is damaged, and one in so many is noise. */
  private readonly temper: number
  private readonly scripts: Uint8Array[][]
  private readonly theirs: number[]
  private nextId: number
  private saysResumed: boolean

  constructor(chance: Chance, side: 'client' | 'server') {
    this.chance = chance
    this.dialect = chance.oneIn(3) ? 'composite' : 'compact'
    this.dataType = chance.oneIn(4) ? 'application/msgpack' : 'application/json'
    this.temper = chance.pick([1.5, 4, 30, 200])
    this.scripts = []
    this.theirs = []
    this.nextId = side === 'client' ? 1 : 2
    this.saysResumed = false
  }

  first(): Uint8Array {
    const { chance } = this
    const setup = this.setup()
    if (chance.oneIn(20)) return this.damaged(setup)
    if (chance.oneIn(30)) return this.noise()
    if (chance.oneIn(30)) return frameBytes(this.resume())
    return setup
  }

  next(): Uint8Array {
    const { chance, temper } = this
    if (this.saysResumed) {
      this.saysResumed = false
      return this.scripts.pop()?.[0] ?? NO_FRAME
    }
    if (chance.oneIn(temper)) return chance.oneIn(3) ? this.noise() : this.damaged(this.scripted())
    return this.scripted()
  }

  heard(streamId: number): void {
    this.theirs.push(streamId)
    if (this.theirs.length > 8) this.theirs.shift()
  }

  heardResume(): void {
    if (this.chance.oneIn(5)) return
    const position = this.chance.oneIn(2) ? 0 : this.chance.below(300)
    this.scripts.splice(0, this.scripts.length, [
      frameBytes({ type: RESUME_OK, data: Uint8Array.from([...u32(0), ...u32(position)]) }),
    ])
    this.saysResumed = true
  }

  private setup(): Uint8Array {
    const { chance, dialect, dataType } = this
    const flags = (chance.oneIn(6) ? 'L' : '') + (chance.oneIn(5) ? 'R' : '')
    return setupFrame({
      flags,
      dataType: chance.oneIn(40) ? 'x'.repeat(255) : dataType,
      metadataType: chance.oneIn(40) ? 'text/plain' : dialect === 'compact' ? METADATA_TYPE : COMPOSITE,
      keepAliveMs: chance.pick([1, 10, 10_000, 0x7fff_ffff]),
      maxLifetimeMs: chance.pick([1, 100, 30_000, 30_000, 0x7fff_ffff]),
      ...(flags.includes('R') && { token: 'token'.repeat(chance.below(6)) + chance.below(50) }),
      ...(dialect === 'compact' && chance.oneIn(3) && { metadata: headerOf(chance, chance.below(4)) }),
    })
  }

  /** The next frame of one of the sequences that are under way. */
  private scripted(): Uint8Array {
    const { chance, scripts } = this
    if (scripts.length < SCRIPTS) scripts.push(this.script().map(frameBytes))
    const index = chance.below(scripts.length)
    const script = scripts[index]
    const frame = script?.shift() ?? NO_FRAME
    if (script?.length === 0) scripts.splice(index, 1)
    return frame
  }

  private script(): FrameParts[] {
    const { chance } = this
    if (chance.oneIn(5)) return [this.connectionFrame()]
    if (chance.oneIn(5)) return [this.strayFrame()]
    if (this.theirs.length > 0 && chance.oneIn(4)) return this.answer(chance.pick(this.theirs))
    return this.call()
  }

  /** A call of ours, from its request to its end, or not so far. */
  private call(): FrameParts[] {
    const { chance } = this
    const type = chance.pick(REQUESTS)
    const id = this.openId()
    const endpoint = chance.oneIn(12) ? chance.pick(STRANGE_ENDPOINTS) : chance.pick(ENDPOINTS[type])
    const hasBody = type !== 'REQUEST_CHANNEL' || this.dialect === 'composite'
    const metadata = requestMetadata(chance, this.dialect, {
      endpoint,
      hasBody,
      oneReply: type === 'REQUEST_CHANNEL' && (endpoint === 'sum' || chance.oneIn(5)),
    })
    const request: FrameParts = {
      type,
      id,
      metadata,
      ...((type === 'REQUEST_STREAM' || type === 'REQUEST_CHANNEL') && { word: this.credit() }),
      ...(hasBody && { data: this.body() }),
    }
    const more: FrameParts[] = []
    if (type === 'REQUEST_CHANNEL') more.push(...this.items(id, chance.below(6)))
    if (chance.oneIn(3)) more.push({ type: 'REQUEST_N', id, word: this.credit() })
    if (chance.oneIn(3)) more.push({ type: 'CANCEL', id })
    return [...(chance.oneIn(4) ? this.fragments(request) : [request]), ...more]
  }

  /** Items, and mostly an end. */
  private items(id: number, count: number): FrameParts[] {
    const { chance } = this
    const items = Array.from({ length: count }, (): FrameParts => {
      const metadata = chance.oneIn(6) ? joined([4], headerOf(chance, 2)) : undefined
      return { type: 'PAYLOAD', id, flags: 'N', data: this.body(), ...(metadata !== undefined && { metadata }) }
    }).flatMap(item => (chance.oneIn(6) ? this.fragments(item) : [item]))
    if (chance.oneIn(8)) items.push({ type: 'ERROR', id, word: 0x201, data: this.errorText() })
    else if (chance.oneIn(2)) items.push({ type: 'PAYLOAD', id, flags: 'C' })
    return items
  }

  /** Our part of a call that the other side has made. */
  private answer(id: number): FrameParts[] {
    const { chance } = this
    switch (chance.below(5)) {
      case 0:
        return [{ type: 'PAYLOAD', id, flags: 'NC', data: this.body() }]
      case 1:
        return [{ type: 'ERROR', id, word: chance.pick([0x201, 0x202, 0x203, 0x204, 0x301]), data: this.errorText() }]
      case 2:
        return [{ type: 'REQUEST_N', id, word: this.credit() }, ...this.items(id, 2)]
      case 3:
        return [{ type: 'CANCEL', id }]
      default:
        return this.items(id, chance.oneIn(60) ? 300 : 1 + chance.below(3))
    }
  }

  /** A payload in parts; the last part may never be sent. */
  private fragments({ data = '', metadata, ...rest }: FrameParts): FrameParts[] {
    const { chance } = this
    const body = typeof data === 'string' ? utf8.encode(data) : data
    const size = 1 + chance.below(40)
    const count = Math.max(1, Math.ceil(body.length / size))
    const parts = Array.from({ length: count }, (_, index): FrameParts => {
      const flags = index < count - 1 || chance.oneIn(6) ? 'F' : ''
      const part = body.subarray(index * size, (index + 1) * size)
      if (index > 0) return { type: 'PAYLOAD', id: rest.id ?? 0, flags: `${flags}N`, data: part }
      return { ...rest, flags: (rest.flags ?? '') + flags, data: part, ...(metadata !== undefined && { metadata }) }
    })
    return chance.oneIn(5) ? parts.slice(0, 1) : parts
  }

  private connectionFrame(): FrameParts {
    const { chance } = this
    switch (chance.below(12)) {
      case 0:
      case 1:
      case 2:
        return { type: 'KEEPALIVE', flags: chance.pick(['R', 'R', '']), data: chance.bytes(8 + chance.below(20)) }
      case 3:
      case 4:
        return { type: 'LEASE', data: Uint8Array.from([...u32(this.credit()), ...u32(this.credit())]) }
      case 5:
      case 6:
        return { type: 'METADATA_PUSH', flags: 'M', data: headerOf(chance, chance.below(4)) }
      case 7:
        return { type: 'EXT', flags: 'I', id: chance.below(4), word: 7, data: chance.bytes(8) }
      case 8:
        return { type: 'ERROR', word: chance.pick([1, 2, 3, 4, 0x201]), data: this.errorText() }
      case 9:
        return { type: types.SETUP, data: chance.bytes(20) }
      case 10:
        return { type: 0x20, flags: 'I', id: chance.below(4), data: chance.bytes(8) }
      default:
        return chance.oneIn(8) ? this.fatal() : { type: chance.pick(['CANCEL', 'PAYLOAD']), flags: 'N' }
    }
  }

  /** A frame that the protocol allows and that ends the connection. */
  private fatal(): FrameParts {
    const { chance } = this
    if (chance.oneIn(3)) return this.resume()
    if (chance.oneIn(3)) return { type: RESUME_OK, data: chance.bytes(8) }
    if (chance.oneIn(2)) return { type: 'EXT', word: 7 }
    return { type: 'ERROR', word: chance.pick([0x101, 0x102]), data: this.errorText() }
  }

  private resume(): FrameParts {
    const token = utf8.encode(`token${this.chance.below(50)}`)
    const positions = Uint8Array.from([...u32(0), ...u32(this.chance.below(1000))])
    return { type: 'RESUME', data: joined(u32(0x1_0000), [0, token.length], token, positions, positions) }
  }

  /** A frame of any type with ids of few streams, so that frames meet the streams of others. */
  private strayFrame(): FrameParts {
    const { chance } = this
    const type = chance.pick(['PAYLOAD', 'CANCEL', 'REQUEST_N', 'ERROR', ...REQUESTS] as const)
    const own = Math.max(1, this.nextId - 2 * chance.below(8))
    const hasWord = ['REQUEST_STREAM', 'REQUEST_CHANNEL', 'REQUEST_N', 'ERROR'].includes(type)
    const isRequest = type.startsWith('REQUEST_') && type !== 'REQUEST_N'
    return {
      type,
      id: isRequest ? own : chance.oneIn(3) && this.theirs.length > 0 ? chance.pick(this.theirs) : own,
      flags: type === 'PAYLOAD' ? chance.pick(['N', 'C', 'NC', 'NF', 'NI']) : chance.pick(['', '', 'I', 'C']),
      ...(hasWord && { word: this.credit() }),
      ...(isRequest && {
        metadata: requestMetadata(chance, this.dialect, {
          endpoint: chance.pick(ENDPOINTS[type as RequestName]),
          hasBody: chance.oneIn(2),
          oneReply: chance.oneIn(4),
        }),
      }),
      data: this.body(),
    }
  }

  /** `frame` with some bytes changed, and at times cut short or with a wrong length of metadata. */
  private damaged(frame: Uint8Array): Uint8Array {
    const { chance } = this
    const copy = frame.slice()
    if (chance.oneIn(4) && copy.length > 10)
      copy.set(u24(chance.pick([0, 1, 255, 0xff_ffff])), chance.pick([6, 10]) % (copy.length - 3))
    else if (chance.oneIn(3)) copy[4 + chance.below(2)] = chance.below(256) // type and flags
    else for (let count = 1 + chance.below(3); count > 0; count--) this.flip(copy)
    if (chance.oneIn(4)) return copy.subarray(0, chance.below(copy.length + 1))
    return chance.oneIn(8) ? joined(copy, chance.bytes(chance.below(20))) : copy
  }

  private flip(bytes: Uint8Array): void {
    const index = this.chance.below(bytes.length)
    bytes[index] = (bytes[index] ?? 0) ^ (1 << this.chance.below(8))
  }

  private noise(): Uint8Array {
    const { chance } = this
    return chance.oneIn(2)
      ? chance.bytes(chance.below(40))
      : joined(u32(chance.below(12)), chance.bytes(2 + chance.below(30)))
  }

  private openId(): number {
    const id = this.nextId
    this.nextId += 2
    return this.chance.oneIn(20) ? MOST_CREDIT - 2 * this.chance.below(3) - (1 - (id & 1)) : id
  }

  private credit(): number {
    return this.chance.pick([0, 1, 3, 0x201, MOST_CREDIT - 1, MOST_CREDIT, 0xffff_ffff])
  }

  private body(): Uint8Array {
    return this.chance.pick(this.dataType === 'application/msgpack' ? MSGPACK_BODIES : JSON_BODIES)
  }

  private errorText(): Uint8Array {
    return this.chance.oneIn(20) ? LONG_ERROR : this.chance.pick(ERRORS)
  }
}

const utf8 = new TextEncoder()

const JSON_BODIES: readonly Uint8Array[] = [
  ...[
    '1',
    '"a"',
    '[1,2,3]',
    '{',
    '',
    '{"__proto__":{"polluted":true}}',
    '['.repeat(100),
    JSON.stringify('x'.repeat(300)),
    '{"constructor":1,"list":[1,{"a":null}]}',
    '1e999',
  ].map(text => utf8.encode(text)),
  Uint8Array.of(0x22, 0xff, 0x22),
]

const MSGPACK_BODIES: readonly Uint8Array[] = [
  Uint8Array.of(1),
  Uint8Array.of(0xa1, 0x61),
  Uint8Array.of(0x93, 1, 2, 3),
  Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff),
  Uint8Array.of(0xc6, 0x7f, 0xff, 0xff, 0xff, 1),
  new Uint8Array(100).fill(0x91),
  new Uint8Array(0),
]

const LONG_ERROR: Uint8Array = new Uint8Array(20_000).fill(0x78)
const ERRORS: readonly Uint8Array[] = [
  '',
  'no',
  '{',
  '{"code":"INTERNAL","reason":"made_up","message":"m","retry":{"safe":true}}',
  '{"code":"INTERNAL","message":"m","details":{"__proto__":1},"cause":{"name":"E","message":"c"}}',
].map(text => utf8.encode(text))
