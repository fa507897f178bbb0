import type { CallOptionsFactory } from 'etcd3'
import type { Runtime } from '../../core/index.js'

type CallOptions = Exclude<CallOptionsFactory, (...args: never) => unknown>
type Interceptor = NonNullable<CallOptions['interceptors']>[number]
type Call = ReturnType<Interceptor>

/**
 * How the client makes its calls: each asks a member that knows its leader, and each that has one answer is cut off
 * after `timeoutMs`. gRPC's own deadlines go by the wall clock, which jumps when it is set.
 */
export function callLimits(timeoutMs: number, runtime: Runtime): CallOptionsFactory {
  const limited: CallOptions = { interceptors: [requireLeader, cutOff(timeoutMs, runtime)] }
  const endless: CallOptions = { interceptors: [requireLeader] }
  return ({ isStream }) => (isStream ? endless : limited)
}

/** A member that is cut off from the others then fails its calls and watches, and does not answer from the past. */
const requireLeader: Interceptor = startedBy((call, metadata, listener) => {
  metadata.set('hasleader', 'true')
  call.start(metadata, listener)
})

type Status = Parameters<Call['cancelWithStatus']>[0]
// oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the enum is gRPC's, which its client does not pass on
const DEADLINE_EXCEEDED = 4 as Status

function cutOff(timeoutMs: number, { scheduler }: Runtime): Interceptor {
  return startedBy((call, metadata, listener) => {
    const timer = scheduler.schedule(
      () => call.cancelWithStatus(DEADLINE_EXCEEDED, `no answer within ${timeoutMs} ms`),
      timeoutMs,
    )
    call.start(metadata, {
      onReceiveMetadata: received => listener?.onReceiveMetadata?.(received),
      onReceiveMessage: message => listener?.onReceiveMessage?.(message),
      onReceiveStatus: status => {
        timer.unsubscribe()
        listener?.onReceiveStatus?.(status)
      },
    })
  })
}

/** An interceptor that has its own way to start a call. */
function startedBy(
  start: (call: Pick<Call, 'start' | 'cancelWithStatus'>, ...given: Parameters<Call['start']>) => void,
): Interceptor {
  return (options, nextCall) => {
    const call = nextCall(options)
    const next = {
      start: call.start.bind(call),
      cancelWithStatus: call.cancelWithStatus.bind(call),
    }
    call.start = (metadata, listener) => start(next, metadata, listener)
    return call as Call // gRPC's type asks for its class, and uses no more than the interface
  }
}
