import { Observable } from 'rxjs'
import type { CallSide, CallStep, Invariant, ObservedCall } from '../observed.js'

/**
 * Nothing is lost, repeated or reordered within a call: what arrives is a beginning of what was sent, item by item, and
 * all of it when the stream completes.
 */
export const itemsArriveInOrder: Invariant = {
  name: 'items arrive once, whole and in order',
  violations: world =>
    new Observable(subscriber =>
      world.calls$.subscribe(step => {
        const fault = faultOf(step)
        if (fault !== undefined) subscriber.next(`${title(step.call)}: ${fault}`)
      }),
    ),
}

function faultOf({ call, run, step }: CallStep): string | undefined {
  if (run !== undefined) {
    if (step === 'request') return misplaced('request', run.requests, [call.requests])
    return step === 'half-closed' && call.requests.length !== run.requests.length
      ? `the requests end at ${run.process} after ${run.requests.length}, but ${call.requests.length} were sent`
      : undefined
  }
  if (step === 'reply') return misplaced('reply', call.replies, repliesOf(call))
  if (step !== 'ended' || call.end !== 'completed' || call.kind === 'tell') return undefined
  return call.runs.some(whole(call))
    ? undefined
    : `it completes after ${call.replies.length} replies, but ${call.runs.map(told).join(', ') || 'no handler ran'}`
}

/** What is wrong with the last item that arrived, when it fits to none of what was sent. */
function misplaced(what: string, arrived: readonly string[], sent: readonly (readonly string[])[]): string | undefined {
  const index = arrived.length - 1
  if (sent.some(items => items[index] === arrived[index])) return undefined
  const expected = sent.map(items => items[index] ?? 'nothing yet').join(' or ')
  return `${what} ${index + 1} arrived as ${arrived[index]}, but was sent as ${expected}`
}

function repliesOf({ runs }: ObservedCall): readonly (readonly string[])[] {
  return runs.map(({ replies }) => replies)
}

/** A run of one reply may be let go of before it completes. */
function whole({ replies, kind }: ObservedCall): (run: CallSide) => boolean {
  const isSingle = kind === 'unary' || kind === 'clientStream'
  return run => run.replies.length === replies.length && (isSingle || run.end === 'completed')
}

function told({ process, replies, end }: CallSide): string {
  return `${process} sent ${replies.length} and ${end === undefined ? 'goes on' : `ended with ${end}`}`
}

function title({ id, route: { contract, endpoint }, process }: ObservedCall): string {
  return `call ${id}, ${contract}.${endpoint} of ${process}`
}
