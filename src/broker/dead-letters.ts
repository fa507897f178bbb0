import type { Observable } from 'rxjs'
import type { Message, RpcError } from '../core/index.js'

/** A message that a queue group, or one subscriber, was not able to process. */
export interface DeadLetter {
  /** Id of the letter: {@link DeadLetterFilter.ids} takes it. */
  readonly id: string
  /** Id of the message, that of its receipt and its events. */
  readonly messageId: string
  /** Where the message was published. */
  readonly topic: string
  /** The queue group that gave up; `undefined` for a subscriber by itself. */
  readonly queue: string | undefined
  /**
   * What was published; its body is the raw bytes when the codec could not read them. Without header and body when the
   * broker does not take them together with what the letter says: the message is where it was published, at `sequence`.
   */
  readonly message: Message
  /** How often it was delivered. */
  readonly attempts: number
  /** Why the last attempt failed. */
  readonly error: RpcError
  /** Number of the message in the broker's log; `undefined` where it keeps none. */
  readonly sequence: number | undefined
  /** When it was published, on the broker's clock, ms. */
  readonly publishedAt: number
  /** When it was given up, on the broker's clock, ms. */
  readonly deadAt: number
  /** How often it has been replayed before. */
  readonly replays: number
}

/** Which dead letters are meant; those that pass all parts. */
export interface DeadLetterFilter {
  /** Topic of the message, which may have wildcards. @default every topic */
  readonly topic?: string
  /** Queue group that gave up. @default every one */
  readonly queue?: string
  /** Ids of letters. @default every one */
  readonly ids?: readonly string[]
}

/** Options of {@link DeadLetters.replay}. */
export interface ReplayOptions extends DeadLetterFilter {
  /** Most letters to replay, the oldest first. @default 100 */
  readonly max?: number
  /** Letters that have been replayed so often stay, so that a poison message cannot go round for ever. @default 3 */
  readonly maxReplays?: number
}

/**
 * What the subscribers of a broker were not able to process. Everything is cold.
 *
 * 1. A letter is in the list before the message is taken from its group: a crash between the two delivers again.
 * 2. `replay` gives the message to the group that had given it up, and to no other, with `attempt` 1; then the letter is gone.
 * 3. A letter without its message is not replayed: it stays until it is dropped.
 * 4. `list` and `drop` complete. Wrong options are INVALID_ARGUMENT (reasons `invalid_options`, `invalid_topic`).
 */
export interface DeadLetters {
  /** Each letter from now on; where the list outlives the process, those of all processes. Never completes. */
  readonly added$: Observable<DeadLetter>
  /** The letters there are, the oldest first. */
  list(filter?: DeadLetterFilter): Observable<DeadLetter>
  /** Delivers messages again, the oldest first, and emits the letter of each once it is gone. */
  replay(options?: ReplayOptions): Observable<DeadLetter>
  /** Takes letters away, and emits each. */
  drop(filter?: DeadLetterFilter): Observable<DeadLetter>
}
