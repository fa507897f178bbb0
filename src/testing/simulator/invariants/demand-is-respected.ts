import { Observable } from 'rxjs'
import { inspectFrame, type FrameSummary } from '../../../protocol/rsocket/index.js'
import type { FrameSent, Invariant } from '../observed.js'

/** Options of {@link demandIsRespected}. */
export interface DemandIsRespectedOptions {
  /** Most items that a consumer lets be on their way: the largest `window` in use. @default 256 */
  readonly window?: number
}

/** One direction of a stream. */
interface Flow {
  granted: number
  sent: number
  isSplit: boolean
}

/** What passes for “without limit” on the wire. */
const UNLIMITED = 0x7fff_ffff

/**
 * Credit is conserved: no more items are sent than were asked for, and no more are asked for than the window and what
 * has been sent. Sessions that outlive their connection are left out, for their frames may be sent again.
 */
export function demandIsRespected({ window = 256 }: DemandIsRespectedOptions = {}): Invariant {
  return {
    name: 'demand is respected and credit conserved',
    violations: world =>
      new Observable(subscriber => {
        const flows = new Map<string, Flow>()
        const resumable = new Set<number>()
        return world.frames$.subscribe(sent => {
          const frame = inspectFrame(sent.bytes)
          if (frame === undefined || frame.streamId === 0) {
            if (frame?.resumable === true) resumable.add(sent.connection)
            return
          }
          if (resumable.has(sent.connection)) return
          const fault = count(flows, sent, frame, window)
          if (fault !== undefined) subscriber.next(`stream ${frame.streamId} from ${sent.from} to ${sent.to}: ${fault}`)
        })
      }),
  }
}

function count(flows: Map<string, Flow>, sent: FrameSent, frame: FrameSummary, window: number): string | undefined {
  const { requestN } = frame
  if (requestN !== undefined) {
    // It speaks of what comes the other way.
    const flow = flowOf(flows, sent.connection, frame.streamId, back(sent.toward))
    flow.granted += requestN
    if (requestN >= UNLIMITED) return undefined
    const ahead = flow.granted - flow.sent
    if (ahead > window) return `asked for ${flow.granted} when ${flow.sent} were sent, more than ${window} ahead`
  }
  if (frame.type === 'REQUEST_RESPONSE') flowOf(flows, sent.connection, frame.streamId, back(sent.toward)).granted++
  if (frame.type !== 'PAYLOAD') return undefined
  const flow = flowOf(flows, sent.connection, frame.streamId, sent.toward)
  const isNew = frame.next && !flow.isSplit
  flow.isSplit = frame.follows
  if (!isNew) return undefined
  flow.sent++
  return flow.sent > flow.granted ? `item ${flow.sent} is sent when ${flow.granted} were asked for` : undefined
}

function flowOf(flows: Map<string, Flow>, connection: number, stream: number, toward: FrameSent['toward']): Flow {
  const key = `${connection} ${stream} ${toward}`
  let flow = flows.get(key)
  if (flow === undefined) {
    flow = { granted: 0, sent: 0, isSplit: false }
    flows.set(key, flow)
  }
  return flow
}

function back(toward: FrameSent['toward']): FrameSent['toward'] {
  return toward === 'listener' ? 'dialer' : 'listener'
}
