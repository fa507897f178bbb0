import type { Subscription } from 'rxjs'
import { RingBuffer, type Runtime } from '../core/index.js'
import { later } from './later.js'

/** Who takes what arrives at the end of a {@link MemoryLane}. */
export interface LaneReader {
  /** A frame has arrived. */
  frame(bytes: Uint8Array): void
  /** The sender has closed; `dropped` frames it had accepted do not come. */
  ended(dropped: number): void
}

/** A frame under way, or the end when `bytes` is absent. */
interface Packet {
  readonly bytes: Uint8Array | undefined
  /** For the end: how many frames were dropped before it. */
  readonly dropped: number
  /** Earliest time of arrival on the runtime's clock; 0 means in the next turn. */
  readonly due: number
}

/** What a frame costs beside its bytes, so that empty frames are bounded, too. */
const FRAME_COST_BYTES = 3

/**
 * One direction of a memory link: keeps frames in order until they are due and somebody reads.
 * All that are due arrive in one task of the runtime, never within `send`.
 */
export class MemoryLane {
  /** Called in a task of its own each time when the last waiting frame has been taken. */
  onEmpty: () => void
  private runtime: Runtime
  private readonly packets: RingBuffer<Packet>
  private reader: LaneReader | undefined
  private task: Subscription | undefined
  private frozen: boolean
  private waiting: number

  /** Makes an empty lane that moves in tasks of `runtime`. */
  constructor(runtime: Runtime) {
    this.onEmpty = () => {}
    this.runtime = runtime
    this.packets = new RingBuffer()
    this.reader = undefined
    this.task = undefined
    this.frozen = false
    this.waiting = 0
  }

  /** What it carries arrives in tasks of `runtime`; called before anything is sent. */
  arriveIn(runtime: Runtime): void {
    this.runtime = runtime
  }

  /** Bytes under way, with what each frame costs beside. */
  get waitingBytes(): number {
    return this.waiting
  }

  /** Puts a frame on its way; it arrives after `delayMs` or with the one before it, whichever is later. */
  send(bytes: Uint8Array, delayMs: number): void {
    this.waiting += bytes.length + FRAME_COST_BYTES
    this.put(bytes, 0, delayMs)
  }

  /** Puts the end behind what is under way. */
  end(delayMs: number): void {
    this.put(undefined, 0, delayMs)
  }

  /** Drops what is under way and puts the end in its place. */
  abort(delayMs: number): void {
    const dropped = this.packets.length
    this.clear()
    this.put(undefined, dropped, delayMs)
  }

  /** Starts delivering, in a later task. */
  read(reader: LaneReader): void {
    this.reader = reader
    this.wake()
  }

  /** Stops or restarts time for what is under way. */
  freeze(frozen: boolean): void {
    this.frozen = frozen
    this.wake()
  }

  /** Drops what is under way and delivers nothing any more. */
  cut(): void {
    this.clear()
    this.reader = undefined
    this.task?.unsubscribe()
  }

  private put(bytes: Uint8Array | undefined, dropped: number, delayMs: number): void {
    // Without delay no clock is read. Whatever is due, nothing overtakes the packet before it.
    const due = delayMs > 0 ? this.runtime.scheduler.now() + delayMs : 0
    this.packets.push({ bytes, dropped, due })
    this.wake()
  }

  private wake(): void {
    const next = this.packets.peek()
    if (next === undefined || this.task !== undefined || this.reader === undefined || this.frozen) return
    const delayMs = next.due === 0 ? 0 : next.due - this.runtime.scheduler.now()
    this.task = later(this.runtime, delayMs, () => this.deliver())
  }

  private deliver(): void {
    this.task = undefined
    const waited = this.waiting > 0
    const now = this.runtime.scheduler.now()
    // What is sent meanwhile waits for the next task, so that two ends that answer each other let others run.
    for (let count = this.packets.length; count > 0; count--) {
      const next = this.packets.peek()
      if (next === undefined || next.due > now || this.reader === undefined || this.frozen) break
      this.packets.shift()
      this.handOver(next, this.reader)
    }
    this.wake()
    if (waited && this.waiting === 0) this.onEmpty()
  }

  private handOver({ bytes, dropped }: Packet, reader: LaneReader): void {
    if (bytes === undefined) return reader.ended(dropped)
    this.waiting -= bytes.length + FRAME_COST_BYTES
    reader.frame(bytes)
  }

  private clear(): void {
    while (this.packets.shift() !== undefined);
    this.waiting = 0
  }
}
