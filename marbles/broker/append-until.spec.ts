import { type Appended, memoryLog, type MessageLog } from 'millrace/broker'
import { RpcError, retrySafely } from 'millrace/core'
import { type MarbleKit, marbles } from 'millrace/testing'
import { catchError, defer, map, of, type Observable } from 'rxjs'
import { describe, it } from 'vitest'
import { appendUntil } from '../../src/broker/durable/append-until.js'

const record = { topic: 't', id: 'a', header: {}, payload: new Uint8Array(0) }
const unsent = new RpcError('UNAVAILABLE', 'no way', { reason: 'broker_unavailable', retry: retrySafely })
const unanswered = new RpcError('UNAVAILABLE', 'no answer', { reason: 'broker_unavailable' })
const full = new RpcError('RESOURCE_EXHAUSTED', 'full', { reason: 'log_full' })

/** A log whose attempts go as the lanes say, one after the other, the last for ever; pauses are not shortened by chance. */
function appending(kit: MarbleKit, lanes: readonly string[], timeoutMs: number): Observable<string> {
  const { cold, runtime } = kit
  const errors = { u: unsent, n: unanswered, f: full }
  let attempts = 0
  const log: MessageLog = {
    ...memoryLog({ runtime }),
    append: () =>
      defer(() => {
        const lane = lanes[Math.min(attempts++, lanes.length - 1)] ?? '#'
        const error = errors[lane.at(-1) as keyof typeof errors]
        const answered: Appended = { sequence: 7, duplicate: false }
        return error === undefined
          ? cold<Appended>(lane, { s: answered })
          : cold<Appended>(`${lane.slice(0, -1)}#`, {}, error)
      }),
  }
  return appendUntil(log, record, {
    timeoutMs,
    runtime: { ...runtime, scheduler: runtime.scheduler, random: () => 0 },
  }).pipe(
    map(({ sequence }) => String(sequence)),
    catchError((error: RpcError) => of(error.reason)),
  )
}

describe('appendUntil', () => {
  it('gives the answer of the first attempt', () => {
    marbles(kit => {
      kit.expectObservable(appending(kit, ['--(s|)'], 100)).toBe('--(s|)', { s: '7' })
    })
  })

  it('tries again after ever longer pauses', () => {
    marbles(kit => {
      kit.expectObservable(appending(kit, ['-u', '-n', '-u', '-(s|)'], 1000)).toBe('354ms (s|)', { s: '7' })
    })
  })

  it('passes on an error that waiting cannot mend', () => {
    marbles(kit => {
      kit.expectObservable(appending(kit, ['-u', '-f'], 1000)).toBe('52ms (f|)', { f: 'log_full' })
    })
  })

  it('says that nothing was sent when nothing was', () => {
    marbles(kit => {
      kit.expectObservable(appending(kit, ['-u'], 100)).toBe('153ms (u|)', { u: 'not_connected' })
    })
  })

  it('says that the log may have what was sent', () => {
    marbles(kit => {
      kit.expectObservable(appending(kit, ['-n', '-u'], 100)).toBe('153ms (n|)', { n: 'not_confirmed' })
    })
  })
})
