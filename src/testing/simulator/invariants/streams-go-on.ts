import { Observable } from 'rxjs'
import type { Invariant, ObservedCall } from '../observed.js'

/** Options of {@link streamsGoOn}. */
export interface StreamsGoOnOptions {
  /** Longest time without an item, ms: longer than any handler or consumer of the scenario takes, and any partition. */
  readonly patienceMs: number
}

/**
 * A stream that is open at both ends does not stand still: lost credit, or an end that nobody was told, shows as silence.
 * For scenarios whose streams always have something to say.
 */
export function streamsGoOn({ patienceMs }: StreamsGoOnOptions): Invariant {
  return {
    name: 'streams go on',
    violations: world =>
      new Observable(subscriber => {
        /** Open streams by when their last item passed, longest ago first: a Map keeps the order of insertion. */
        const quietSince = new Map<ObservedCall, number>()
        const steps = world.calls$.subscribe(({ call, run, step }) => {
          if (call.kind === 'unary' || call.kind === 'tell') return
          quietSince.delete(call)
          if (step !== 'ended' && (run !== undefined || call.end === undefined)) quietSince.set(call, world.now())
        })
        subscriber.add(steps)
        subscriber.add(
          world.events$.subscribe(() => {
            for (const [call, since] of quietSince) {
              if (since + patienceMs > world.now()) return
              quietSince.delete(call)
              const run = call.runs.at(-1)
              const isOpen = call.end === undefined && run !== undefined && run.end === undefined
              const isLive = isOpen && world.isLive(call.process, call.life) && world.isLive(run.process, run.life)
              if (isLive) subscriber.next(stalled(call, run.process, since))
            }
          }),
        )
      }),
  }
}

function stalled({ id, route, process, replies, runs }: ObservedCall, handler: string, since: number): string {
  const sent = runs.at(-1)?.replies.length ?? 0
  return (
    `call ${id}, ${route.contract}.${route.endpoint} of ${process} at ${handler}, stands still since ${since.toFixed(0)} ms: ` +
    `${sent} replies were sent, ${replies.length} have arrived`
  )
}
