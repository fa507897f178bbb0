import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { seededRuntime, type RpcError } from 'millrace/core'
import type { Node, Snapshot } from 'millrace/registry'
import type { Next, Outcome, Selector } from 'millrace/selector'
import { identity, Subject, VirtualTimeScheduler, type Subscription } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { serviceOf, snapshotOf } from '../selector/snapshots.js'

/** Something that holds for every selector, whatever happens. It throws when it does not, with the shortest script. */
export interface SelectorLaw {
  readonly title: string
  run(selector: Selector): void
}

/** One thing that happens to a selector. */
type Step =
  | { readonly kind: 'snapshot'; readonly nodes: readonly Node[]; readonly stale: boolean }
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'pick'; readonly exclude: readonly string[] }

/** One pick: what it could have been, and what it was. */
interface Picked {
  readonly known: readonly Node[]
  readonly exclude: readonly string[]
  readonly answer: E.Either<RpcError, Node>
}

const IDS = ['a', 'b', 'c', 'd']

const node = fc
  .record({ id: fc.constantFrom(...IDS), port: fc.constantFrom(1, 2) })
  .map(({ id, port }): Node => ({ id, address: `${id}.test:${port}`, metadata: {} }))

const nodes = (maxLength: number) => fc.uniqueArray(node, { maxLength, selector: ({ id }) => id })

const snapshot = (some: fc.Arbitrary<readonly Node[]>): fc.Arbitrary<Step> =>
  fc.record({ kind: fc.constant('snapshot' as const), nodes: some, stale: fc.boolean() })

const ended = fc.constantFrom(
  { result: 'ok', latencyMs: 1 } as const,
  { result: 'cancelled', latencyMs: 1 } as const,
  { result: 'INVALID_ARGUMENT', reason: 'invalid_request', latencyMs: 1 } as const,
)

const failed = fc.constantFrom(
  { result: 'INTERNAL', reason: 'handler_failed', latencyMs: 1 } as const,
  { result: 'UNAVAILABLE', reason: 'connect_failed', latencyMs: 1 } as const,
  { result: 'UNAVAILABLE', reason: 'tls_failed', latencyMs: 1 } as const,
)

const outcome = (end: fc.Arbitrary<Omit<Outcome, 'node'>>): fc.Arbitrary<Step> =>
  fc.record({ node, end }).map(each => ({ kind: 'outcome', outcome: { node: each.node, ...each.end } }))

const wait: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('wait' as const),
  ms: fc.integer({ min: 1, max: 5000 }),
})

const pick: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('pick' as const),
  exclude: fc.subarray(IDS),
})

/** Scripts that begin with a snapshot. */
function scripts(begin: fc.Arbitrary<Step>, ...steps: readonly fc.Arbitrary<Step>[]): fc.Arbitrary<readonly Step[]> {
  return fc
    .tuple(begin, fc.array(fc.oneof(begin, pick, pick, ...steps), { maxLength: 40 }))
    .map(([first, rest]) => [first, ...rest])
}

const anything = scripts(snapshot(nodes(4)), outcome(ended), outcome(failed), wait)
const withoutFaults = scripts(snapshot(nodes(4)), outcome(ended), wait)
const oneNode = scripts(snapshot(node.map(each => [each])), outcome(ended), outcome(failed), wait)
const noNode = scripts(snapshot(fc.constant([])), outcome(ended), outcome(failed), wait)

/** A selector at work in virtual time. */
class Play {
  readonly picked: Picked[] = []
  readonly ends: string[] = []
  readonly outcomes: Subject<Outcome> = new Subject()
  readonly snapshots: Subject<Snapshot> = new Subject()
  readonly subscription: Subscription
  private readonly scheduler = new VirtualTimeScheduler()
  private known: readonly Node[] = []
  private next: Next | undefined

  constructor(selector: Selector) {
    const runtime = seededRuntime({ scheduler: this.scheduler, seed: 7 })
    this.subscription = this.snapshots.pipe(selector({ runtime, outcomes$: this.outcomes })).subscribe({
      next: next => (this.next = next),
      error: () => this.ends.push('error'),
      complete: () => this.ends.push('complete'),
    })
  }

  /** Timers that are not stopped. */
  get timers(): number {
    return this.scheduler.actions.length
  }

  all(script: readonly Step[]): this {
    for (const step of script) this.step(step)
    return this
  }

  step(step: Step): void {
    if (step.kind === 'wait') this.wait(step.ms)
    else if (step.kind === 'outcome') this.outcomes.next(step.outcome)
    else if (step.kind === 'snapshot') this.show(step.nodes, step.stale)
    else this.pick(step.exclude)
  }

  /** Picks in short: ids of nodes, reasons of errors. */
  get short(): readonly string[] {
    return this.picked.map(({ answer }) => (E.isRight(answer) ? answer.right.id : answer.left.reason))
  }

  private show(known: readonly Node[], stale: boolean): void {
    this.known = known
    this.snapshots.next({ ...(known.length === 0 ? snapshotOf() : snapshotOf(serviceOf('1.0.0', known))), stale })
  }

  private pick(exclude: readonly string[]): void {
    if (this.next === undefined) throw new Error('the selector has not answered its first snapshot')
    this.picked.push({ known: this.known, exclude, answer: this.next({ exclude: new Set(exclude) }) })
  }

  private wait(ms: number): void {
    this.scheduler.maxFrames = this.scheduler.frame + ms
    this.scheduler.schedule(() => {}, ms) // time goes on, also when nothing is due
    this.scheduler.flush()
  }
}

function law(
  title: string,
  script: fc.Arbitrary<readonly Step[]>,
  holds: (script: readonly Step[], selector: Selector) => void,
): SelectorLaw {
  return {
    title,
    run: selector =>
      fc.assert(
        fc.property(script, steps => holds(steps, selector)),
        { seed: 4, numRuns: 50 },
      ),
  }
}

/** Every pick was of a node of the newest snapshot, when there was one. */
function expectKnownNodes({ picked }: Play): void {
  for (const { known, answer } of picked) {
    expect(E.isRight(answer) && known.includes(answer.right)).toBe(known.length > 0)
  }
}

/** The laws, one reason to fail each. */
export const selectorLaws: readonly SelectorLaw[] = [
  law('picks only nodes of the newest snapshot', anything, (script, selector) => {
    for (const { known, answer } of new Play(selector).all(script).picked) {
      if (E.isRight(answer)) expect(known).toContain(answer.right)
    }
  }),
  law('picks whenever there is a node', anything, (script, selector) => {
    for (const { known, answer } of new Play(selector).all(script).picked) {
      expect(E.isRight(answer)).toBe(known.length > 0)
    }
  }),
  law('picks the only node, tried or failing', oneNode, (script, selector) => {
    for (const { known, answer } of new Play(selector).all(script).picked) expect(answer).toEqual(E.right(known[0]))
  }),
  law('answers no_endpoint when there is no node', noNode, (script, selector) => {
    for (const { answer } of new Play(selector).all(script).picked) {
      const error = E.match(identity, () => undefined)(answer)
      expect(error).toMatchObject({ code: 'UNAVAILABLE', reason: 'no_endpoint', retry: { safe: true } })
    }
  }),
  law('picks a tried node only when none is left', withoutFaults, (script, selector) => {
    for (const { known, exclude, answer } of new Play(selector).all(script).picked) {
      const untried = known.filter(({ id }) => !exclude.includes(id))
      if (untried.length > 0 && E.isRight(answer)) expect(untried).toContain(answer.right)
    }
  }),
  law('picks the same for the same seed', anything, (script, selector) => {
    expect(new Play(selector).all(script).short).toEqual(new Play(selector).all(script).short)
  }),
  law('keeps its state for each subscription', anything, (script, selector) => {
    const together = [new Play(selector), new Play(selector)]
    for (const step of script) for (const play of together) play.step(step)

    const alone = new Play(selector).all(script).short
    expect(together.map(({ short }) => short)).toEqual([alone, alone])
  }),
  law('goes on when the outcomes complete', anything, (script, selector) => {
    const play = new Play(selector).all(script)
    play.outcomes.complete()
    play.all(script.filter(({ kind }) => kind !== 'outcome'))

    expect(play.ends).toEqual([])
    expectKnownNodes(play)
  }),
  law('goes on when the outcomes fail', anything, (script, selector) => {
    const play = new Play(selector).all(script)
    play.outcomes.error(new Error('nobody tells'))
    play.all(script.filter(({ kind }) => kind !== 'outcome'))

    expect(play.ends).toEqual([])
    expectKnownNodes(play)
  }),
  law('leaves nothing behind when it is unsubscribed', anything, (script, selector) => {
    const play = new Play(selector).all(script)
    play.subscription.unsubscribe()

    expect([play.timers, play.snapshots.observed, play.outcomes.observed]).toEqual([0, false, false])
  }),
]

/** Runs the laws as specs of a selector. */
export function testSelectorLaws(name: string, selector: Selector): void {
  describe(name, () => {
    for (const each of selectorLaws) it(each.title, () => each.run(selector))
  })
}
