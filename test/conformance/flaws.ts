import type { Frame, Socket, Transport } from 'millrace/transport'
import { map, Observable } from 'rxjs'
import { flagBits, types, type TypeName } from '../support/raw-frame.js'

/** What a broken engine makes of a frame: the same, another, several or none. */
type Change = (frame: Uint8Array) => readonly Uint8Array[]

/** A rule of the protocol that a server breaks, as if by its engine: in what it hears, or in what it says. */
export interface Flaw {
  readonly hears?: Change
  readonly says?: Change
}

/** A transport whose listening side has a flaw. */
export function flawed(transport: Transport, flaw: Flaw): Transport {
  return {
    name: transport.name,
    dial: address => transport.dial(address),
    listen: address =>
      transport
        .listen(address)
        .pipe(map(({ address, sockets }) => ({ address, sockets: sockets.pipe(map(socket => broken(socket, flaw))) }))),
  }
}

function broken(socket: Socket, { hears = same, says = same }: Flaw): Socket {
  return {
    local: socket.local,
    remote: socket.remote,
    writable: socket.writable,
    inbound: new Observable<Frame>(subscriber =>
      socket.inbound.subscribe({
        next: ({ bytes, start, end }) => {
          for (const frame of hears(bytes.slice(start, end))) {
            subscriber.next({ bytes: frame, start: 0, end: frame.length })
          }
        },
        error: error => subscriber.error(error),
        complete: () => subscriber.complete(),
      }),
    ),
    send: (length, write) => {
      const frame = new Uint8Array(length)
      write(frame, 0)
      return says(frame).every(each => socket.send(each.length, (target, offset) => target.set(each, offset)))
    },
    close: () => socket.close(),
  }
}

const same: Change = frame => [frame]

/** Changes frames of one type that have these flags, and no others. */
function only(type: TypeName, flags: number, change: Change): Change {
  return frame => (isOf(frame, type) && (flagsOf(frame) & flags) === flags ? change(frame) : [frame])
}

function isOf(frame: Uint8Array, type: TypeName): boolean {
  return frame.length >= 6 && (frame[4] ?? 0) >>> 2 === types[type]
}

function flagsOf(frame: Uint8Array): number {
  return (((frame[4] ?? 0) & 3) << 8) | (frame[5] ?? 0)
}

/** A copy of a frame with other bytes from `at` on. */
function withBytes(frame: Uint8Array, at: number, ...bytes: readonly number[]): Uint8Array {
  const copy = frame.slice()
  copy.set(bytes, at)
  return copy
}

function withoutFlag(frame: Uint8Array, flag: number): Uint8Array {
  return withBytes(frame, 5, flagsOf(frame) & ~flag & 0xff)
}

/** Flaws, each with a point that must not let it pass. */
export const flaws: { readonly [name: string]: readonly [flaw: Flaw, number: number] } = {
  'goes on after nonsense': [{ hears: frame => (frame.length < 6 ? [] : [frame]) }, 6],
  'takes any version': [{ hears: only('SETUP', 0, frame => [withBytes(frame, 6, 0, 1, 0, 0)]) }, 18],
  'takes a second SETUP for an end': [{ hears: secondIs('SETUP', Uint8Array.of(1)) }, 20],
  'says nothing before it hangs up': [{ says: only('ERROR', 0, () => []) }, 12],
  'answers a question twice': [{ says: only('KEEPALIVE', 0, frame => [frame, frame]) }, 32],
  'answers an answer': [{ hears: only('KEEPALIVE', 0, frame => [withBytes(frame, 5, flagBits.R)]) }, 33],
  'calls on odd ids': [{ hears: only('REQUEST_RESPONSE', 0, frame => [withBytes(frame, 3, 1)]) }, 40],
  'does not hear CANCEL': [{ hears: only('CANCEL', 0, () => []) }, 45],
  'gives one item too many': [{ hears: only('REQUEST_STREAM', 0, oneMore) }, 50],
  'takes a credit of nothing for one': [{ hears: only('REQUEST_STREAM', 0, oneMore) }, 52],
  'says an item after the end': [{ says: only('PAYLOAD', flagBits.C, frame => [frame, itemOf(frame)]) }, 64],
  'forgets N in fragments': [{ says: only('PAYLOAD', flagBits.F, frame => [withoutFlag(frame, flagBits.N)]) }, 72],
  'takes more than it has leased': [{ says: only('ERROR', 0, frame => [itemOf(frame)]) }, 74],
  'keeps pushes to itself': [{ hears: only('METADATA_PUSH', 0, () => []) }, 77],
  'mixes items up': [{ says: pairsSwapped() }, 85],
}

/** An item on the stream of a frame. */
function itemOf(frame: Uint8Array): Uint8Array {
  return Uint8Array.of(...frame.subarray(0, 4), types.PAYLOAD << 2, flagBits.N, 0x31)
}

function oneMore(frame: Uint8Array): readonly Uint8Array[] {
  return [withBytes(frame, 9, (frame[9] ?? 0) + 1)]
}

/** Hears something else where a frame of this type comes for the second time. */
function secondIs(type: TypeName, other: Uint8Array): Change {
  let seen = 0
  return frame => (isOf(frame, type) && ++seen > 1 ? [other] : [frame])
}

/** Says every second item before the first. */
function pairsSwapped(): Change {
  let held: Uint8Array | undefined
  return frame => {
    if (!isOf(frame, 'PAYLOAD') || flagsOf(frame) !== flagBits.N) return [frame]
    const before = held
    held = before === undefined ? frame : undefined
    return before === undefined ? [] : [frame, before]
  }
}
