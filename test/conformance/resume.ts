import { messageOf } from 'millrace/core'
import type { SingleCall } from 'millrace/protocol'
import { EMPTY, of } from 'rxjs'
import { expect } from 'vitest'
import { Conversation, heardInFull, type Transcript } from '../support/conversation.js'
import { frameBytes, joined, positionIn, types, u64 } from '../support/raw-frame.js'
import type { RawPeer } from '../support/raw-peer.js'
import { record } from '../support/recording.js'
import { keepaliveFrame, resumeFrame, streamBytes, type ResumeParts } from '../support/resume-frame.js'
import { answering, bodiesOf, single } from '../support/virtual-wire.js'
import { first } from '../support/first.js'
import type { Point } from './point.js'
import type { Cut, Lab, Network, Rig } from './rig.js'

const CAP = 262_144

/** How far apart cuts are on sockets, where a run in full tries fewer bytes than there are; `test:faults` tries each. */
const BYTES_APART = 97
const FRAMES_APART = 5

/** Holds a conversation while connections break, and gives what was heard. */
async function conversing({ open }: Lab, cuts: readonly Cut[]): Promise<Transcript | undefined> {
  const rig = open({ resume: {}, fragmentBytes: 128, window: 4 }, { cuts })
  const conversation = new Conversation()
  await rig.serve(remote => conversation.server(remote))
  const { connection } = await rig.connect({}, conversation.client())
  const heard = record(conversation.over(connection))
  await rig.until('the end of the conversation', () => heard.completed || heard.error !== undefined)
  await rig.close()
  return heard.error === undefined ? heard.values[0] : { error: heard.error }
}

/** Cuts at every place where a conversation can break in one direction, or at some of them. */
function cutsOf({ network, thorough }: Lab): readonly (readonly Cut[])[] {
  const inMemory = network === 'memory'
  const apart = (inMemory ? (thorough ? 1 : FRAMES_APART) : BYTES_APART) * (thorough ? 1 : 3)
  const last = inMemory ? FRAMES : BYTES
  const places = Array.from({ length: Math.ceil(last / apart) }, (_, index) => beginning(network) + index * apart)
  return (['server', 'client'] as const).flatMap(toward => places.map(after => [{ toward, after }]))
}

/** Where the first frame is; a WebSocket that is cut while it is being opened is no session yet. */
function beginning(network: Network): number {
  return network === 'websocket' ? 400 : 0
}

/** About what a conversation takes in each direction. */
const FRAMES = 40
const BYTES = 1400

/** A server that resumes, with handlers for raw frames. */
async function resuming(rig: Rig): Promise<RawPeer> {
  await rig.serve(
    answering({
      echo: ({ body }: SingleCall) => of(messageOf(body)),
      large: ({ body }: SingleCall) => of(messageOf('x'.repeat(body as number))),
      note: () => EMPTY,
    }),
  )
  return rig.rawClient({ flags: 'R', token: 'tok' })
}

async function resume(rig: Rig, parts: ResumeParts): Promise<RawPeer> {
  const peer = await rig.rawClient('none')
  peer.send(resumeFrame(parts))
  await rig.settle()
  return peer
}

export const resumption: readonly Point[] = [
  {
    number: 80,
    title: 'a cut anywhere loses, repeats and reorders nothing',
    run: async lab => {
      for (const cuts of cutsOf(lab)) expect([cuts, await conversing(lab, cuts)]).toEqual([cuts, heardInFull])
      const again: Cut = { toward: 'client', after: beginning(lab.network) + (lab.network === 'memory' ? 3 : 70) }
      const often: readonly Cut[] = [again, again, { ...again, toward: 'server' }, again]

      expect(await conversing(lab, often)).toEqual(heardInFull)
    },
  },
  {
    number: 81,
    title: 'a wrong token or position is REJECTED_RESUME',
    run: async ({ open }) => {
      const refused: { readonly [what: string]: ResumeParts } = {
        'another token': { token: 'kot' },
        'a position that is no longer retained': { received: 0 },
        'a position ahead of what was sent': { received: 48 },
        'frames that the client no longer retains': { received: 16, retained: 1000 },
      }
      for (const [what, parts] of Object.entries(refused)) {
        const rig = open({ resume: {} })
        const client = await resuming(rig)
        for (const id of [1, 3]) client.request('REQUEST_RESPONSE', id, 'echo', { body: 'abcdefgh' })
        await rig.settle()
        client.send(keepaliveFrame(16)) // the first of two answers
        await rig.settle()
        client.abort()
        await rig.settle()
        const again = await resume(rig, parts)
        expect([what, ...again.lines(), again.ending]).toEqual([
          what,
          'ERROR 0 REJECTED_RESUME resume_rejected',
          'closed',
        ])
      }
      const rig = open({ resume: {} })
      const { peer, peers, lifetime } = await rig.rawServer()
      peer.send(keepaliveFrame(0))
      await rig.settle()
      peer.abort()
      await rig.until('RESUME', () => peers.length === 2 && (peers[1]?.received.length ?? 0) > 0)
      peers[1]?.send({ type: 'ERROR', word: 4, data: 'who are you' })
      await rig.settle()
      await rig.pass(60_000)

      expect([lifetime.error?.reason, peers.length]).toEqual(['resume_rejected', 2])
    },
  },
  {
    number: 82,
    title: 'RESUME behind SETUP or RESUME ends the connection',
    run: async ({ open }) => {
      const rig = open({ resume: {} })
      const client = await resuming(rig)
      client.send(resumeFrame({}))
      await rig.settle()
      const other = open({ resume: {} })
      await resuming(other)
      const again = await resume(other, {})
      const resumed = again.lines()
      again.send(resumeFrame({}))
      await other.settle()

      const fatal = ['ERROR 0 CONNECTION_ERROR malformed_frame', 'closed']
      expect([...client.lines(), client.ending]).toEqual(fatal)
      expect([resumed, ...again.lines(), again.ending]).toEqual([['RESUME_OK 0'], ...fatal])
    },
  },
  {
    number: 83,
    title: 'positions count frames of streams, not their lengths',
    run: async ({ open }) => {
      const rig = open({ resume: {} })
      const client = await resuming(rig)
      const request = frameBytes({ type: 'REQUEST_N', id: 1, word: 1 })
      client.send(keepaliveFrame(0))
      client.send(request)
      client.send({ type: 'METADATA_PUSH', flags: 'M', data: Uint8Array.of(0) })
      client.send(request)
      await rig.settle()
      client.abort()
      await rig.settle()
      const again = await resume(rig, {})
      const calling = open({ resume: {} })
      const { connection, peer, peers } = await calling.rawServer()
      peer.send(keepaliveFrame(0))
      await calling.settle()
      const replies = ['a', 'b'].map(body => record(connection.call(single('unary', 'echo', body))))
      await calling.settle()
      const requests = peer.received.filter(frame => streamBytes([frame]) > 0)
      const taken = first(requests).length
      peer.item(1, 'A', 'NC')
      peer.send(keepaliveFrame(taken))
      await calling.settle()
      peer.abort()
      await calling.until('RESUME', () => (peers[1]?.received.length ?? 0) > 0)
      const asked = peers[1]?.received.splice(0).map(bytes => bytes.subarray(-16))
      peers[1]?.send(frameBytes({ type: types.RESUME_OK, data: joined(u64(taken)) }))
      await calling.settle()
      const sentAgain = peers[1]?.received.filter(frame => streamBytes([frame]) > 0)
      peers[1]?.item(3, 'B', 'NC')
      await calling.settle()

      expect(again.received.map(positionIn)).toEqual([2 * request.length])
      const item = frameBytes({ type: 'PAYLOAD', id: 1, flags: 'NC', data: '"A"' })
      expect(asked).toEqual([joined(u64(item.length), u64(taken))])
      expect(sentAgain).toEqual(requests.slice(1))
      expect(replies.map(bodiesOf)).toEqual([['A'], ['B']])
    },
  },
  {
    number: 84,
    title: 'beyond what may be retained only resumption ends',
    run: async ({ open }) => {
      const rig = open({ resume: { maxRetainedBytes: CAP }, fragmentBytes: 1_000_000 })
      const client = await resuming(rig)
      for (const id of [1, 3]) client.request('REQUEST_RESPONSE', id, 'large', { body: 190_000 })
      await rig.settle()
      client.lines()
      client.request('REQUEST_RESPONSE', 5, 'echo', { body: 'a' })
      await rig.settle()
      const after = client.lines()
      client.abort()
      await rig.settle()
      const again = await resume(rig, {})

      expect(after).toEqual(['PAYLOAD 5 NC "a"'])
      expect(rig.log[0]).toMatchObject({ event: 'session.overflow', fields: { reason: 'resume_overflow' } })
      expect(again.lines()).toEqual(['ERROR 0 REJECTED_RESUME resume_rejected'])
    },
  },
]
