import { Observable } from 'rxjs'
import { inspectFrame } from '../../../protocol/rsocket/index.js'
import type { Invariant } from '../observed.js'

/**
 * Who has ended its side of a stream sends no item, end or error on it any more. Sessions that outlive their connection
 * are left out, for their frames may be sent again.
 */
export const streamsEndOnce: Invariant = {
  name: 'each side ends a stream once, and last',
  violations: world =>
    new Observable(subscriber => {
      const ended = new Map<string, string>()
      const resumable = new Set<number>()
      return world.frames$.subscribe(({ connection, from, to, toward, bytes }) => {
        const frame = inspectFrame(bytes)
        if (frame?.resumable === true) resumable.add(connection)
        if (frame === undefined || frame.streamId === 0 || resumable.has(connection)) return
        const speaks = frame.type === 'PAYLOAD' || frame.type === 'ERROR' || frame.type.startsWith('REQUEST_C')
        if (!speaks) return
        const key = `${connection} ${frame.streamId} ${toward}`
        const before = ended.get(key)
        if (before !== undefined) {
          subscriber.next(`stream ${frame.streamId} from ${from} to ${to}: ${frame.type} after ${before}`)
        }
        if (frame.type === 'ERROR') ended.set(key, 'its error')
        else if (frame.complete && !frame.follows) ended.set(key, 'its completion')
      })
    }),
}
