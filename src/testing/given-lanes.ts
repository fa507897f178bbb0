import { memoryBroker } from '../broker/index.js'
import { RpcError, silentLog } from '../core/index.js'
import { brokerLanes } from './broker-lanes.js'
import type { Expectations } from './expectations.js'
import type { MarbleKit } from './marble-kit.js'
import type { ObservableKit } from './observable-kit.js'
import { selectorLanes } from './selector-lanes.js'
import { givenActor, type Given, type ServiceLanes } from './service-lanes.js'
import { topicLanes } from './topic-lanes.js'
import type { VirtualTime } from './virtual-time.js'

/** The members of the kit that are about services, brokers and selectors. */
export function givenLanes(
  kit: ObservableKit,
  time: VirtualTime,
  expectations: Expectations,
): Omit<MarbleKit, keyof ObservableKit> {
  let current: ServiceLanes | undefined
  const lanes = (): ServiceLanes => {
    if (current === undefined) throw nothingGiven()
    return current
  }
  const context = { kit, time, expectations }
  return {
    ...forwarding(lanes),
    given(actor, endpoint): Given {
      const caller = givenActor(actor, context)
      current = endpoint === undefined ? undefined : caller(endpoint)
      return { ...forwarding(lanes), caller, topic: topic => topicLanes(actor, topic, context) }
    },
    givenBroker: (broker = runtime => memoryBroker({ runtime, log: silentLog })) =>
      brokerLanes(broker(kit.runtime), kit, time, expectations),
    givenSelector: selector => selectorLanes(selector, kit),
  }
}

function forwarding(lanes: () => ServiceLanes): ServiceLanes {
  return {
    requests: (diagram, values, error) => lanes().requests(diagram, values, error),
    deadline: diagram => lanes().deadline(diagram),
    demand: diagram => lanes().demand(diagram),
    cancel: diagram => lanes().cancel(diagram),
    expectReplies: (diagram, values, error) => lanes().expectReplies(diagram, values, error),
    expectRequests: (diagram, values, error) => lanes().expectRequests(diagram, values, error),
    expectConsumed: diagram => lanes().expectConsumed(diagram),
    expectHandler: diagrams => lanes().expectHandler(diagrams),
  }
}

function nothingGiven(): RpcError {
  const message =
    "marbles: say first what the lanes are of: given(actor, 'endpoint'), or use those of caller('endpoint')"
  return new RpcError('FAILED_PRECONDITION', message, { reason: 'invalid_marbles' })
}
