import type { MessagePort } from 'node:worker_threads'
import { RpcError } from 'millrace/core'
import type { Frame, FrameWriter, Socket } from 'millrace/transport'
import { Observable, Subject, type Subscriber } from 'rxjs'

const MAX_FRAME_BYTES = 0xff_ffff
const HIGH_WATER_MARK_BYTES = 262_144

/** A frame; how many bytes the other end has read since it last said so; or that it sends no more. */
type PortMessage = Uint8Array<ArrayBuffer> | number | 'bye'

/** One end of a connection over a port that nobody else uses. */
export class PortSocket implements Socket {
  readonly local: string
  readonly remote: string
  readonly inbound: Observable<Frame>
  readonly writable: Subject<void>
  private readonly port: MessagePort
  private subscriber: Subscriber<Frame> | undefined
  /** Frames that came before they were asked for; the other end's high-water mark bounds them. */
  private unread: Uint8Array[]
  private readBytes: number
  private sentBytes: number
  private waiting: boolean
  private end: { readonly error?: RpcError } | undefined

  constructor(port: MessagePort, local: string, remote: string) {
    this.port = port
    this.local = local
    this.remote = remote
    this.writable = new Subject()
    this.unread = []
    this.readBytes = 0
    this.sentBytes = 0
    this.waiting = false
    this.inbound = new Observable(subscriber => {
      if (this.subscriber !== undefined) {
        throw new RpcError('FAILED_PRECONDITION', 'inbound has its one subscriber', { reason: 'inbound_taken' })
      }
      this.subscriber = subscriber
      subscriber.add(() => this.abort())
      this.deliver()
    })
    port.on('message', (message: PortMessage) => this.hear(message))
    port.on('close', () => this.finish(new RpcError('UNAVAILABLE', `${remote} is gone`, { reason: 'connection_lost' })))
  }

  send(length: number, write: FrameWriter): boolean {
    if (length > MAX_FRAME_BYTES) {
      const problem = `a frame of ${length} bytes is above the limit of ${MAX_FRAME_BYTES}`
      throw new RpcError('RESOURCE_EXHAUSTED', problem, { reason: 'frame_too_large' })
    }
    if (this.end !== undefined) return false
    const bytes = new Uint8Array(length)
    write(bytes, 0)
    this.port.postMessage(bytes, [bytes.buffer]) // moved to the other thread, not copied
    this.sentBytes += length
    this.waiting = this.sentBytes > HIGH_WATER_MARK_BYTES
    return !this.waiting
  }

  close(): void {
    if (this.end !== undefined) return
    this.port.postMessage('bye')
    this.abort()
  }

  /** Ends the connection without a word, which the other end takes for a broken one. */
  abort(): void {
    this.unread = []
    this.port.close() // what was posted still arrives
    this.finish()
  }

  private hear(message: PortMessage): void {
    if (message === 'bye') this.finish()
    else if (typeof message === 'number') this.wasRead(message)
    else if (this.end === undefined) {
      this.unread.push(message)
      this.deliver()
    }
  }

  private deliver(): void {
    const { subscriber } = this
    if (subscriber === undefined) return
    for (let bytes = this.unread.shift(); bytes !== undefined; bytes = this.unread.shift()) {
      this.readBytes += bytes.length
      if (this.readBytes >= HIGH_WATER_MARK_BYTES / 4) {
        this.port.postMessage(this.readBytes)
        this.readBytes = 0
      }
      subscriber.next({ bytes, start: 0, end: bytes.length })
    }
    if (this.end?.error !== undefined) subscriber.error(this.end.error)
    else if (this.end !== undefined) subscriber.complete()
  }

  private wasRead(bytes: number): void {
    this.sentBytes -= bytes
    if (!this.waiting || this.sentBytes > HIGH_WATER_MARK_BYTES / 2) return
    this.waiting = false
    this.writable.next()
  }

  /** The first end counts: the port closes after a goodbye, too. */
  private finish(error?: RpcError): void {
    if (this.end !== undefined) return
    this.end = error === undefined ? {} : { error }
    this.port.close()
    this.deliver()
    this.writable.complete()
  }
}
