import type { ResolvedDurable } from './durable-options.js'
import type { MessageLog } from './message-log.js'

/** What the parts of a durable broker work with. */
export interface DurableContext {
  /** Where messages are. */
  readonly messages: MessageLog
  /** Where dead letters are. */
  readonly dead: MessageLog
  /** Everything else. */
  readonly options: ResolvedDurable
}
