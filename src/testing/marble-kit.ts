import type { Actor } from '../actors/index.js'
import type { Broker } from '../broker/index.js'
import type { Runtime } from '../core/index.js'
import type { Selector } from '../selector/index.js'
import type { BrokerLanes } from './broker-lanes.js'
import type { ObservableKit } from './observable-kit.js'
import type { SelectorLanes } from './selector-lanes.js'
import type { Given, ServiceLanes } from './service-lanes.js'

/**
 * What a marble spec is written with. A character of a diagram is a millisecond, as in RxJS:
 * `-` nothing, `a` an item, `|` the end, `#` an error, `(ab|)` all in the first millisecond of the group,
 * `^` and `!` subscribing and unsubscribing, ` 5s ` a longer time, spaces nothing.
 *
 * The lanes of {@link ServiceLanes} belong to the endpoint that was given last.
 */
export interface MarbleKit extends ObservableKit, ServiceLanes {
  /**
   * The actor under test, as callers in the same process reach it: through the server and the stub, without a network.
   * With an endpoint, the lanes of the kit are those of a first caller of it.
   * Throws INVALID_ARGUMENT (reason `unknown_endpoint`) for one that the contract lacks.
   */
  given(actor: Actor, endpoint?: string): Given
  /** A broker under test. @default a `memoryBroker` */
  givenBroker(broker?: (runtime: Runtime) => Broker): BrokerLanes
  /** A selector under test. */
  givenSelector(selector: Selector): SelectorLanes
}
