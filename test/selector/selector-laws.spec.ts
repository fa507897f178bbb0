import * as E from 'fp-ts/lib/Either.js'
import { RpcError } from 'millrace/core'
import type { Snapshot } from 'millrace/registry'
import { random, roundRobin, strategy, type Next, type Selector, type SelectorContext } from 'millrace/selector'
import {
  endWith,
  ignoreElements,
  map,
  pipe,
  startWith,
  switchMap,
  take,
  takeUntil,
  timer,
  type OperatorFunction,
} from 'rxjs'
import { describe, expect, it } from 'vitest'
import { selectorLaws } from '../support/selector-laws.js'

const inTheWay = new RpcError('INTERNAL', 'broken on purpose')

const wrap =
  (change: (next: Next) => Next): Selector =>
  context =>
    pipe(
      random(context),
      map(next => change(next)),
    )

const hearing =
  (made: (context: SelectorContext) => OperatorFunction<Snapshot, Snapshot>): Selector =>
  context =>
    pipe(made(context), random(context))

/** One turn for all clients of the process. */
let turn = 0
const commonTurn = strategy(() => nodes => turn++ % nodes.length)

/** For each law, a selector that breaks it. */
const broken: { readonly [title: string]: Selector } = {
  'picks only nodes of the newest snapshot': context => pipe(take(1), random(context)),
  'picks whenever there is a node': context =>
    pipe(
      map((snapshot: Snapshot) => (snapshot.stale ? { ...snapshot, services: [] } : snapshot)),
      random(context),
    ),
  'picks the only node, tried or failing': wrap(next => pick => {
    const answer = next(pick)
    return E.isRight(answer) && pick.exclude?.has(answer.right.id) === true ? E.left(inTheWay) : answer
  }),
  'answers no_endpoint when there is no node': wrap(next => pick => E.mapLeft(() => inTheWay)(next(pick))),
  'picks a tried node only when none is left': wrap(next => () => next({})),
  'picks the same for the same seed': commonTurn,
  'keeps its state for each subscription': commonTurn,
  'goes on when the outcomes complete': hearing(
    ({ outcomes$ }) =>
      snapshot$ =>
        snapshot$.pipe(takeUntil(outcomes$.pipe(ignoreElements(), endWith(true)))),
  ),
  'goes on when the outcomes fail': hearing(
    ({ outcomes$ }) =>
      snapshot$ =>
        outcomes$.pipe(
          startWith(undefined),
          switchMap(() => snapshot$),
        ),
  ),
  'leaves nothing behind when it is unsubscribed': context => {
    timer(0, 1000, context.runtime.scheduler).subscribe()
    return roundRobin(context)
  },
}

describe('selectorLaws', () => {
  it.each(selectorLaws.map(law => [law.title, law] as const))('notices who breaks “%s”', (title, law) => {
    const selector = broken[title]

    expect(() => selector && law.run(selector)).toThrow(/Property failed/)
  })
})
