import { messageOf, seededRuntime } from 'millrace/core'
import type { Connection, SingleCall, StreamingCall } from 'millrace/protocol'
import { concat, config, EMPTY, NEVER, of, reduce, throwError, VirtualTimeScheduler } from 'rxjs'
import { expect } from 'vitest'
import { MemoryWatch } from '../fuzz/memory-watch.js'
import { callAlways, targetOptions } from '../fuzz/target.js'
import { Chance } from '../support/chance.js'
import { conversation, type Conversation } from '../support/hostile-frames.js'
import type { RawPeer } from '../support/raw-peer.js'
import { record } from '../support/recording.js'
import { answering, bodiesOf, single } from '../support/virtual-wire.js'
import { numbers } from './handlers.js'
import type { Lab, Rig } from './rig.js'

const SEED = 88
/** Conversations that are made up; each is held many times, with other damage. */
const CONVERSATIONS = 200
const LONGEST = 100
/** One frame in so many is of those that end the connection, so that most connections have much to lose. */
const FATAL_SHARE = 200
/** One frame in so many is damaged once more. */
const DAMAGED_SHARE = 200
/** One connection in so many is called by our side all the time. */
const CALLED_SHARE = 10
/** Most frames that are sent before the server gets to read. */
const BATCH = 8
/** One frame in so many goes to a client, the others to a server. */
const CLIENT_SHARE = 20
/** Frames after which a bystander is asked whether all is well. */
const CHECK_EVERY = 2000
/** What may be left in memory that was not there before: caches and compiled code. */
const MAX_GROWTH_MB = 64

/** What the frames are about: every kind of endpoint, handlers that fail, wait, or go on for ever. */
const target = answering({
  echo: ({ body }: SingleCall) => of(messageOf(body)),
  fails: () => throwError(() => new TypeError('on purpose')),
  never: () => NEVER,
  note: () => EMPTY,
  failingNote: () => throwError(() => new TypeError('on purpose')),
  numbers: () => numbers(20),
  forever: () => concat(numbers(20), NEVER),
  failsLate: () =>
    concat(
      numbers(1),
      throwError(() => new TypeError('on purpose')),
    ),
  chat: ({ messages }: StreamingCall) => messages,
  deaf: () => NEVER,
  sum: ({ messages }: StreamingCall) => messages.pipe(reduce(sum => sum, messageOf(0))),
})

/** Sends `count` random and damaged frames to a server and to clients; fails when anybody but the sender comes to harm. */
export async function sendHostileFrames({ open }: Lab, count: number): Promise<void> {
  const escaped: unknown[] = []
  const previous = config.onUnhandledError
  config.onUnhandledError = error => escaped.push(error)
  const watch = new MemoryWatch()
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0 // nobody reads the traces of so many errors, and they take half of the time
  watch.start()
  try {
    const { random } = seededRuntime({ scheduler: new VirtualTimeScheduler(), seed: SEED })
    const chance = new Chance(random)
    await attackServer(open({ ...targetOptions, log: () => {} }), chance, count - Math.floor(count / CLIENT_SHARE))
    await attackClients(open({ ...targetOptions, log: () => {} }), chance, Math.floor(count / CLIENT_SHARE))
  } finally {
    config.onUnhandledError = previous
    Error.stackTraceLimit = stackTraceLimit
  }
  expect(escaped).toEqual([])
  expect(watch.stop().heapGrowthMb).toBeLessThan(MAX_GROWTH_MB)
}

async function attackServer(rig: Rig, chance: Chance, count: number): Promise<void> {
  await rig.serve(remote => {
    if (chance.oneIn(CALLED_SHARE)) callAlways(remote, rig.runtime)
    return target
  })
  const bystander = (await rig.connect()).connection
  const fatal: Uint8Array[] = []
  const conversations: (readonly Uint8Array[])[] = []
  for (let read = 0, checked = 0; read < count;) {
    const learns = conversations.length < CONVERSATIONS && read < count / 2
    const hostile = await rig.rawClient('none')
    if (learns) {
      const { harmless, deadly } = await learn(rig, hostile, conversation(chance, 'client'))
      if (harmless.length > 0) conversations.push(harmless)
      fatal.push(...deadly)
      read += harmless.length + deadly.length
    } else read += await converse(rig, hostile, { chance, fatal }, chance.pick(conversations))
    hostile.close()
    await rig.pass(chance.oneIn(50) ? 10 : 0)
    if (read < checked + CHECK_EVERY) continue
    checked = read
    await allIsWell(rig, bystander)
    forgetEnded(rig)
  }
  await rig.pass(1000)
  await allIsWell(rig, bystander)
  forgetEnded(rig)
  expect([rig.accepted.length, rig.accepted[0]?.running]).toEqual([1, 0])
}

/** Sends new frames one by one until one of them ends the connection, and gives what they were. */
async function learn(rig: Rig, peer: RawPeer, talk: Conversation): Promise<Lesson> {
  const harmless: Uint8Array[] = []
  while (harmless.length < LONGEST) {
    const frame = harmless.length === 0 ? talk.first() : talk.next()
    peer.send(frame)
    await rig.settle()
    if (peer.ending !== 'open') return { harmless, deadly: [frame] }
    harmless.push(frame)
  }
  return { harmless, deadly: [] }
}

interface Lesson {
  readonly harmless: readonly Uint8Array[]
  readonly deadly: readonly Uint8Array[]
}

/** What frames are drawn from. */
interface Arsenal {
  readonly chance: Chance
  readonly fatal: readonly Uint8Array[]
}

/** Sends a conversation until it is over or the connection has ended. Gives how many of its frames were read. */
async function converse(
  rig: Rig,
  peer: RawPeer,
  { chance, fatal }: Arsenal,
  frames: readonly Uint8Array[],
): Promise<number> {
  let read = 0
  while (read < frames.length && peer.ending === 'open') {
    const batch = frames.slice(read, read + 1 + chance.below(BATCH))
    for (const frame of batch) {
      if (chance.oneIn(FATAL_SHARE)) peer.send(chance.pick(fatal))
      else peer.send(chance.oneIn(DAMAGED_SHARE) ? flipped(frame, chance) : frame)
    }
    await rig.settle()
    peer.received.length = 0
    read += peer.ending === 'open' ? batch.length : 1
  }
  return read
}

async function attackClients(rig: Rig, chance: Chance, count: number): Promise<void> {
  const { peers, lifetime } = await rig.rawServer({}, target)
  lifetime.subscription.unsubscribe()
  for (let read = 0; read < count;) {
    const client = await rig.connect({}, target)
    if (chance.oneIn(CALLED_SHARE)) callAlways(client.connection, rig.runtime)
    const calls = [single('unary', 'a', 1), single('serverStream', 'b')].map(call =>
      record(client.connection.call(call)),
    )
    const hostile = (peers as RawPeer[]).splice(0).at(-1) as RawPeer
    const talk = conversation(chance, 'server')
    for (let frames = 0; frames < LONGEST && hostile.ending === 'open'; frames++) {
      for (const id of hostile.received.splice(0).map(idOf)) talk.heard(id)
      hostile.send(talk.next())
      read++
      if (chance.oneIn(3)) await rig.settle()
    }
    hostile.close()
    await rig.settle()
    client.lifetime.subscription.unsubscribe()
    for (const { completed, error } of calls) expect(completed || error !== undefined).toBe(true)
    expect(client.connection.running).toBe(0)
  }
}

async function allIsWell(rig: Rig, connection: Connection): Promise<void> {
  const reply = record(connection.call(single('unary', 'echo', 'well')))
  const items = record(connection.call(single('serverStream', 'numbers')))
  await rig.settle()
  expect([bodiesOf(reply), bodiesOf(items).length]).toEqual([['well'], 20])
}

/** Looks at connections that have ended, and drops them from the list, for there are many. */
function forgetEnded(rig: Rig): void {
  const [, ...others] = rig.accepted
  for (const connection of others) expect(connection.running).toBe(0)
  ;(rig.accepted as Connection[]).splice(1)
}

function flipped(frame: Uint8Array, chance: Chance): Uint8Array {
  const copy = frame.slice()
  if (copy.length > 0) copy[chance.below(copy.length)] = chance.below(256)
  return copy
}

function idOf(frame: Uint8Array): number {
  return new DataView(frame.buffer).getUint32(0)
}
