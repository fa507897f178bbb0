import assert from 'node:assert/strict'
import * as E from 'fp-ts/lib/Either.js'
import { NEVER, Subject, VirtualTimeScheduler, type Subscription } from 'rxjs'
import { seededRuntime, type RpcError } from '../../../core/index.js'
import type { Node, Snapshot } from '../../../registry/index.js'
import type { Next, Outcome, Pick, Selector, SelectorContext } from '../../../selector/index.js'

/** A selector at work, with everything it takes in and gives out at hand. */
export interface SelectorBench {
  /** What it is given to choose from. */
  readonly snapshots: Subject<Snapshot>
  /** How calls ended. */
  readonly outcomes: Subject<Outcome>
  /** What it has emitted. */
  readonly nexts: readonly Next[]
  /** What it failed with. */
  readonly errors: readonly unknown[]
  /** Ends it. */
  readonly subscription: Subscription
  /** Ids of the nodes that `count` calls go to; fails when one is refused. */
  readonly picks: (count: number, pick?: Pick) => readonly string[]
  /** Why a call is refused; fails when it is not. */
  readonly refusal: () => RpcError
}

/** Sets a selector to work. */
export function benchOf(selector: Selector): SelectorBench {
  const snapshots = new Subject<Snapshot>()
  const outcomes = new Subject<Outcome>()
  const nexts: Next[] = []
  const errors: unknown[] = []
  const subscription: Subscription = snapshots
    .pipe(selector({ ...contextOf(), outcomes$: outcomes }))
    .subscribe({ next: next => nexts.push(next), error: error => errors.push(error) })

  const answer = (pick: Pick): E.Either<RpcError, Node> => {
    const next = nexts.at(-1)
    assert.ok(next, 'the selector has emitted nothing')
    return next(pick)
  }
  const picks = (count: number, pick: Pick = {}): readonly string[] =>
    Array.from({ length: count }, () => {
      const answered = answer(pick)
      if (E.isLeft(answered)) assert.fail(`a pick was refused: ${answered.left.message}`)
      return answered.right.id
    })
  const refusal = (): RpcError => {
    const answered = answer({})
    if (E.isRight(answered)) assert.fail(`picked ${answered.right.id}, where it was to refuse`)
    return answered.left
  }
  return { snapshots, outcomes, nexts, errors, subscription, picks, refusal }
}

/** Time that stands still, chance of a fixed seed, and no outcomes. */
export function contextOf(): SelectorContext {
  return { runtime: seededRuntime({ scheduler: new VirtualTimeScheduler(), seed: 7 }), outcomes$: NEVER }
}
