import { hold, outside } from 'millrace/streams'
import {
  asyncScheduler,
  catchError,
  concat,
  delay,
  EMPTY,
  endWith,
  filter,
  finalize,
  ignoreElements,
  merge,
  mergeAll,
  mergeMap,
  NEVER,
  Observable,
  share,
  skip,
  takeUntil,
  tap,
  throwError,
  timer,
  toArray,
  type MonoTypeOperatorFunction,
  type Observer,
} from 'rxjs'
import { describe, expect, it } from 'vitest'
import { operatorLaws, type OperatorScenario } from '../support/operator-laws.js'

type Operator = MonoTypeOperatorFunction<string>

/** An operator whose observer is made of its subscriber. */
const observing =
  (change: (out: Observer<string>) => Partial<Observer<string>>): Operator =>
  source =>
    new Observable(subscriber => {
      const { next, error, complete } = subscriber
      const same = { next: next.bind(subscriber), error: error.bind(subscriber), complete: complete.bind(subscriber) }
      return source.subscribe({ ...same, ...change(subscriber) })
    })

const unsubscribesNever: Operator = source =>
  new Observable(subscriber => {
    source.subscribe({
      next: letter => subscriber.next(letter),
      error: error => subscriber.error(error),
      complete: () => subscriber.complete(),
    })
  })

const unsubscribesLater: Operator = source =>
  new Observable(subscriber => {
    const subscription = source.subscribe({ next: letter => subscriber.next(letter) })
    return () => asyncScheduler.schedule(() => subscription.unsubscribe())
  })

const missesTheStart: Operator = source =>
  new Observable(subscriber => {
    let subscribed = false
    const subscription = source.subscribe({
      next: letter => {
        if (subscribed) subscriber.next(letter)
      },
      complete: () => subscriber.complete(),
    })
    subscribed = true
    return subscription
  })

/** Whether somebody waits for the item to be consumed. */
const isDelivery = (): boolean => {
  const release = hold()
  release?.()
  return release !== undefined
}

const notReentrant = (): Operator => {
  let inside = false
  return source =>
    source.pipe(
      filter(() => !inside),
      tap(() => (inside = true)),
    )
}

const forgetsReentrantEnd: Operator = observing(out => {
  let inside = false
  return {
    next: letter => {
      inside = true
      out.next(letter)
      inside = false
    },
    complete: () => {
      if (!inside) out.complete()
    },
  }
})

const twoItemsEver = (): Operator => {
  let items = 0
  return filter(() => items++ < 2)
}

const naksAtItsEnd: Operator = source => {
  const held: ReturnType<typeof hold>[] = []
  return source.pipe(
    tap(() => void held.push(hold())),
    finalize(() => {
      for (const release of held) release?.('ended')
    }),
  )
}

const subscribesEarly: Operator = source => {
  source.subscribe()
  return source
}

/** For each law, operators that break it. */
const broken: { readonly [title: string]: readonly (readonly [what: string, OperatorScenario])[] } = {
  'nothing happens before it is subscribed': [['subscribes early', { passing: () => subscribesEarly }]],
  'never stays open': [['gives up', { passing: () => takeUntil(timer(2)) }]],
  'empty completes': [['never completes', { passing: () => source => concat(source, NEVER) }]],
  'one passes': [['swallows items', { passing: () => ignoreElements() }]],
  'many pass in order': [
    ['comes late', { passing: () => delay(1) }],
    ['loses the first', { passing: () => skip(1) }],
  ],
  'what is pushed passes in order': [['drops what nobody waits for', { passing: () => filter(isDelivery) }]],
  'an error passes': [['swallows errors', { passing: () => catchError(() => EMPTY) }]],
  'a synchronous source passes': [['misses the start', { passing: () => missesTheStart }]],
  'a synchronous error passes': [
    [
      'delays errors',
      { passing: () => catchError(error => timer(1).pipe(mergeMap(() => throwError(() => error as string)))) },
    ],
  ],
  'a synchronous source is stopped': [['collects first', { passing: () => s => s.pipe(toArray(), mergeAll()) }]],
  'a re-entrant source loses nothing': [['is not re-entrant', { passing: notReentrant }]],
  'a re-entrant end comes once': [['forgets an end inside an item', { passing: () => forgetsReentrantEnd }]],
  'a re-entrant unsubscribe is the end': [['never unsubscribes', { passing: () => unsubscribesNever }]],
  'unsubscribing reaches the source': [['never unsubscribes', { passing: () => unsubscribesNever }]],
  'completing downstream reaches the source': [['never unsubscribes', { passing: () => unsubscribesNever }]],
  'the unsubscription chain is not broken': [['never unsubscribes', { passing: () => unsubscribesNever }]],
  'unsubscribing tears the source down, once, at once': [
    ['never unsubscribes', { passing: () => unsubscribesNever }],
    ['unsubscribes later', { passing: () => unsubscribesLater }],
  ],
  'the end tears the source down, once, at once': [
    ['subscribes twice', { passing: () => source => merge(source, source.pipe(ignoreElements())) }],
  ],
  'nothing comes after the end': [['adds an item', { passing: () => endWith('z') }]],
  'subscriptions share nothing': [['shares its subscription', { passing: () => share() }]],
  'subscribed again, it starts anew': [['keeps its state', { passing: twoItemsEver }]],
  'a callback that throws downstream ends it': [['never unsubscribes', { passing: () => unsubscribesNever }]],
  'its own callback that throws ends it': [
    [
      'goes on',
      {
        passing: () => tap(),
        calling: (_, callback) =>
          tap(letter => {
            if (letter !== 'b') callback(letter)
          }),
      },
    ],
  ],
  'what its own callback throws at is not processed': [
    ['acknowledges it', { passing: () => tap(), calling: (_, callback) => tap(callback), naks: true }],
  ],
  'a synchronous consumer consumes at once': [['holds for ever', { passing: () => tap(() => void hold()) }]],
  'what a consumer holds is not consumed': [
    ['consumes on arrival', { passing: () => observing(out => ({ next: l => outside(() => out.next(l)) })) }],
  ],
  'what is consumed after the end was consumed': [['naks at its end', { passing: () => naksAtItsEnd }]],
  'a source is asked as its consumer consumes': [
    ['consumes on arrival', { passing: () => observing(out => ({ next: l => outside(() => out.next(l)) })) }],
  ],
  'every delivery is let go of once when unsubscribed': [['holds for ever', { passing: () => tap(() => void hold()) }]],
}

describe('operatorLaws', () => {
  it.each(operatorLaws.map(law => [law.title, law] as const))('notices who breaks “%s”', (title, law) => {
    const operators = broken[title] ?? []

    for (const [, scenario] of operators) expect(() => law.run(scenario)).toThrow()
    expect(operators).not.toEqual([])
    expect(operators.every(([, scenario]) => law.appliesTo(scenario))).toBe(true)
  })

  it('hold for an operator that does nothing', () => {
    const scenario: OperatorScenario = { passing: () => tap(), calling: (_, callback) => tap(callback) }

    const laws = operatorLaws.filter(law => law.appliesTo(scenario))

    for (const law of laws) law.run(scenario)
    expect(laws).toHaveLength(operatorLaws.length - 1)
  })
})
