import type { MemoryFrame } from 'millrace/transport'
import { describe, expect, it } from 'vitest'
import { Conversation, heardInFull, type Transcript } from '../support/conversation.js'
import { record, type Recording } from '../support/recording.js'
import { VirtualWire } from '../support/virtual-wire.js'

const talk = { resume: {}, fragmentBytes: 128, window: 4 }

/** Holds a conversation over a network that cuts links where `cuts` says so. */
function conversing(cuts: (frame: MemoryFrame) => boolean): [VirtualWire, Recording<Transcript>] {
  const conversation = new Conversation()
  const wire = new VirtualWire(talk, { faults: { frame: frame => (cuts(frame) ? 'lost' : 0) } })
  wire.serve(remote => conversation.server(remote))
  const { connection } = wire.connect({}, conversation.client())
  const heard = record(conversation.over(connection))
  wire.advance(60_000)
  return [wire, heard]
}

describe('a session whose network connection is cut', () => {
  const frames = { listener: 0, dialer: 0 }
  conversing(({ toward }) => (frames[toward]++, false))

  it.each(['listener', 'dialer'] as const)('goes on, before each frame to the %s', toward => {
    for (let cut = 0; cut < frames[toward]; cut++) {
      const [, heard] = conversing(frame => frame.link.index === 0 && frame.toward === toward && frame.index === cut)

      expect([cut, heard.values]).toEqual([cut, [heardInFull]])
    }
  })
})
