import { messageOf } from 'millrace/core'
import { of, VirtualTimeScheduler } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { PayloadWindow } from '../../src/protocol/rsocket/payload-window.js'
import { flagBits, readFrame } from '../support/raw-frame.js'
import { record } from '../support/recording.js'
import { answering, bodiesOf, single, VirtualWire } from '../support/virtual-wire.js'

const KIB = 1024

/** A window whose peer answers when it is told to. */
function probed() {
  const scheduler = new VirtualTimeScheduler()
  const probes: Uint8Array[] = []
  let opened = 0
  const window = new PayloadWindow({
    scheduler,
    answersProbes: () => true,
    probe: bytes => probes.push(bytes),
    opened: () => opened++,
  })
  const answer = (): void => {
    const probe = probes.shift()
    if (probe !== undefined) window.answer(probe, 0, probe.length)
  }
  const fill = (): number => {
    let kib = 0
    while (window.open && kib < 100_000) {
      window.sent(64 * KIB)
      kib += 64
    }
    return kib
  }
  return { window, probes, answer, fill, opened: () => opened, pass: (ms: number) => (scheduler.frame += ms) }
}

describe('PayloadWindow', () => {
  it('lets 512 KiB go before the first answer', () => {
    const { fill, probes } = probed()

    expect([fill(), probes.length]).toEqual([512, 8])
  })

  it('opens with an answer', () => {
    const { window, fill, answer, opened } = probed()
    fill()
    const before = window.open

    answer()

    expect([before, window.open, opened()]).toEqual([false, true, 1])
  })

  it('grows while answers are as early as ever', () => {
    const { fill, answer, pass } = probed()
    fill()
    pass(50)

    for (let count = 0; count < 8; count++) answer()

    expect(fill()).toBe(16 * 64)
  })

  it('shrinks when answers come late, down to 512 KiB', () => {
    const { fill, answer, probes, pass } = probed()
    for (let round = 0; round < 20; round++) {
      fill()
      while (probes.length > 0) answer()
    }
    const wide = fill()

    let narrow = wide
    for (let round = 0; round < 20; round++) {
      pass(10)
      while (probes.length > 0) answer()
      narrow = fill()
    }

    expect([wide > 2000, narrow]).toEqual([true, 512])
  })

  it('never has more than 16 MiB under way', () => {
    const { fill, answer, probes } = probed()

    for (let round = 0; round < 20; round++) {
      while (probes.length > 0) answer()
      fill()
    }

    expect(probes).toHaveLength(256)
  })

  it.each([
    ['of another keepalive', Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)],
    ['of no probe that was sent', Uint8Array.of(0x6d, 0x72, 0x70, 0x62, 0, 0, 0, 9)],
    ['of another length', new Uint8Array(4)],
  ])('takes no answer %s', (_, bytes) => {
    const { window, fill } = probed()
    fill()

    window.answer(bytes, 0, bytes.length)

    expect(window.open).toBe(false)
  })

  it('opens when its probes are lost', () => {
    const { window, fill } = probed()
    fill()

    window.restart()

    expect(window.open).toBe(true)
  })
})

describe('a long payload', () => {
  it('waits for the peer to answer probes', () => {
    const wire = new VirtualWire()
    const long = 'x'.repeat(2000 * KIB)
    wire.serve(answering({ long: () => of(messageOf(long)) }))
    const peer = wire.rawClient()
    peer.request('REQUEST_RESPONSE', 1, 'long')
    wire.advance(0)
    const bytes = (): number => peer.received.reduce((sum, frame) => sum + frame.length, 0)
    const atFirst = bytes()

    const probe = peer.received.find(frame => readFrame(frame).type === 'KEEPALIVE') as Uint8Array
    const answer = probe.slice()
    answer[5] = (answer[5] ?? 0) & ~flagBits.R
    peer.send(answer)
    wire.advance(0)

    expect(atFirst).toBeLessThan(700 * KIB)
    expect(bytes()).toBeGreaterThan(atFirst)
  })

  it('arrives between millrace peers, whatever its length', () => {
    const wire = new VirtualWire()
    const long = 'x'.repeat(5000 * KIB)
    wire.serve(answering({ long: () => of(messageOf(long)) }))
    const { connection } = wire.connect()

    const reply = record(connection.call(single('unary', 'long')))
    wire.advance(0)

    expect(bodiesOf(reply)).toEqual([long])
  })
})
