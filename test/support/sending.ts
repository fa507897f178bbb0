import { seededRuntime } from 'millrace/core'
import { memoryTransport, type Socket } from 'millrace/transport'
import { VirtualTimeScheduler } from 'rxjs'
import { FrameSender } from '../../src/protocol/rsocket/frame-sender.js'
import { PayloadWindow } from '../../src/protocol/rsocket/payload-window.js'

/** A sender of the engine over a memory link, and the frames that come out at its other end. */
export function sending(): { readonly sender: FrameSender; readonly frames: () => Uint8Array[] } {
  const scheduler = new VirtualTimeScheduler()
  const transport = memoryTransport({ runtime: seededRuntime({ scheduler, seed: 1 }), highWaterMarkBytes: 100 })
  const frames: Uint8Array[] = []
  let socket: Socket | undefined
  transport
    .listen('memory:a')
    .subscribe(({ sockets }) =>
      sockets.subscribe(({ inbound }) =>
        inbound.subscribe(({ bytes, start, end }) => frames.push(bytes.slice(start, end))),
      ),
    )
  scheduler.flush()
  transport.dial('memory:a').subscribe(dialled => (socket = dialled))
  scheduler.flush()
  const window = new PayloadWindow({ scheduler, answersProbes: () => false, probe: () => {}, opened: () => {} })
  return {
    sender: new FrameSender(socket as unknown as Socket, 1000, window, () => {}),
    frames: () => {
      scheduler.flush()
      return frames
    },
  }
}
