import { RpcError } from '../core/index.js'
import { writtenAt } from './written-at.js'

/** Tells what is wrong, if anything, when no work is left. */
export type Difference = () => string | undefined

interface Expectation {
  readonly what: string
  readonly difference: Difference
  readonly reason: string
  /** Where it was written. */
  readonly stack: string
}

/** What a spec expects, to be checked when no work is left. */
export class Expectations {
  private readonly first: Expectation[]
  private readonly expected: Expectation[]
  private readonly leftovers: Expectation[]

  constructor() {
    this.first = []
    this.expected = []
    this.leftovers = []
  }

  /** `what` is to be as drawn; where this is called is where it was written. */
  expect(what: string, difference: Difference): void {
    this.expected.push({ what: `${what} differ from the diagram`, difference, reason: 'marbles_differ', stack: here() })
  }

  /** What makes all the rest meaningless, asked before it. */
  expectFirst(reason: string, difference: Difference): void {
    this.first.push({ what: 'the spec cannot run', difference, reason, stack: here() })
  }

  /** Nothing of `what` may be left over, which is asked when everything else is as expected. */
  expectNoneLeft(what: string, left: Difference): void {
    this.leftovers.push({ what, difference: left, reason: 'work_left', stack: here() })
  }

  /**
   * Throws FAILED_PRECONDITION for the first that is not met (reason `marbles_differ`, or `work_left`): with both lanes,
   * a caret at the first difference, and the line of the spec.
   */
  check(): void {
    for (const { what, difference, reason, stack } of [...this.first, ...this.expected, ...this.leftovers]) {
      const text = difference()
      if (text === undefined) continue
      // What has not ended may be why something expected did not come.
      const left = reason === 'marbles_differ' ? this.leftText() : []
      const message = [`marbles: ${what}`, text, ...left, ...writtenAt(stack)].join('\n')
      const error = new RpcError('FAILED_PRECONDITION', message, { reason })
      error.stack = `${String(error)}${stack}` // where the expectation was written, not where it was checked
      throw error
    }
  }

  private leftText(): readonly string[] {
    return this.leftovers.flatMap(({ what, difference }) => {
      const text = difference()
      return text === undefined ? [] : [`${what}: ${text}`]
    })
  }
}

function here(): string {
  const { stack = '' } = new RpcError('FAILED_PRECONDITION', 'expected here')
  return stack.slice(stack.indexOf('\n'))
}
