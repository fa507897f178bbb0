import { AssertionError } from 'node:assert/strict'
import * as E from 'fp-ts/lib/Either.js'
import { RpcError } from 'millrace/core'
import { type FilteredSnapshot, type Next, random, type Selector, strategy } from 'millrace/selector'
import {
  catchError,
  combineLatest,
  EMPTY,
  filter,
  ignoreElements,
  map,
  merge,
  NEVER,
  pipe,
  startWith,
  take,
} from 'rxjs'
import { describe, expect, it } from 'vitest'
import { selectorChecks } from 'millrace/testing/compliance'

const inTheWay = new RpcError('INTERNAL', 'broken on purpose')

const wrap =
  (change: (next: Next) => Next): Selector =>
  context =>
    pipe(
      random(context),
      map(next => change(next)),
    )

/** Selectors that break the contract in one point, and the check that must notice. */
const broken: { readonly [title: string]: Selector } = {
  'subscribes to nothing before it is subscribed': context => snapshot$ => {
    snapshot$.subscribe()
    return snapshot$.pipe(random(context))
  },
  'emits a Next in the turn of every snapshot': context =>
    pipe(
      filter(({ services }) => services.length > 0),
      random(context),
    ),
  'emits a Next for snapshots while it is subscribed': context => snapshot$ =>
    combineLatest([snapshot$, context.outcomes$.pipe(startWith(undefined))]).pipe(
      map(([snapshot]) => snapshot),
      random(context),
    ),
  'picks nodes of the newest snapshot only': context => pipe(take(1), random(context)),
  'reaches every node': strategy(() => () => 0),
  'passes over nodes that were tried': wrap(next => () => next({})),
  'takes a tried node when no other is left': wrap(next => pick => {
    const answer = next(pick)
    return E.isRight(answer) && pick.exclude?.has(answer.right.id) ? E.left(inTheWay) : answer
  }),
  'answers no_endpoint when no node is known': wrap(next => pick => E.mapLeft(() => inTheWay)(next(pick))),
  'says how many nodes filters took, and why': context =>
    pipe(
      map(({ services, asOf, stale }: FilteredSnapshot) => ({ services, asOf, stale })),
      random(context),
    ),
  'serves a stale snapshot': context =>
    pipe(
      map(snapshot => (snapshot.stale ? { ...snapshot, services: [] } : snapshot)),
      random(context),
    ),
  'picks the same for the same seed': strategy(() => nodes => Math.floor(Math.random() * nodes.length)),
  'passes on an error of the snapshots': context =>
    pipe(
      random(context),
      catchError(() => EMPTY),
    ),
  'goes on when the outcomes fail': context => snapshot$ =>
    merge(snapshot$, context.outcomes$.pipe(ignoreElements())).pipe(random(context)),
  'lets go of snapshots and outcomes when unsubscribed': context => snapshot$ => {
    context.outcomes$.pipe(startWith(NEVER)).subscribe()
    return snapshot$.pipe(random(context))
  },
}

describe('selectorChecks', () => {
  it.each(selectorChecks)('fails a selector that breaks: $title', async ({ title, run }) => {
    const selector = broken[title]
    if (selector === undefined) throw new Error(`no broken selector for "${title}"`)

    await expect(run({ selector })).rejects.toThrow(AssertionError)
  })
})
