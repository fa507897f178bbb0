import { Observable } from 'rxjs'
import { coldLanes } from './cold-lanes.js'
import type { ExecutedLane, ExecutedStream, SpecRecorder } from './executed-spec.js'
import type { MarbleSource, MarbleValues, ObservableKit } from './observable-kit.js'
import { valueText } from './value-text.js'
import { parseMarbles, parseSubscription, type Played, type VirtualTime } from './virtual-time.js'

/**
 * The kit of a spec that somebody draws: it does what `kit` does, and tells `recorder` of every source and of everything
 * that is expected of an Observable. A new member of the kit that is a line of a diagram tells of itself here.
 */
export function recordedKit(kit: ObservableKit, time: VirtualTime, recorder: SpecRecorder): ObservableKit {
  const played: Played[] = []
  time.played = played

  /** Gives the lanes of the source that was made last. */
  const lanesOf = ({ subscriptions }: MarbleSource<unknown>, diagram: string): (() => readonly ExecutedLane[]) => {
    const messages = time.coldObservables.at(-1)?.messages ?? []
    const marbles = parseMarbles(diagram)
    return () => coldLanes({ marbles, messages, subscriptions }, played)
  }

  return {
    ...kit,
    cold(diagram, values, error) {
      const source = kit.cold(diagram, values, error)
      const lanes = lanesOf(source, diagram)
      recorder.add(() => ({ kind: 'cold', lanes: lanes(), values: texts(values, error) }))
      return source
    },
    hot(diagram, values, error) {
      const source = kit.hot(diagram, values, error)
      const marbles = parseMarbles(diagram)
      recorder.add(() => {
        return { kind: 'hot', lanes: [{ marbles, windows: source.subscriptions }], values: texts(values, error) }
      })
      return source
    },
    deliveries(diagram, values, error) {
      const source = kit.deliveries(diagram, values, error)
      const lanes = lanesOf(source, diagram)
      recorder.add(() => {
        return { kind: 'deliveries', lanes: lanes(), values: texts(values, error), credits: source.credits }
      })
      return source
    },
    expectObservable(observable, subscription) {
      const { subscribedFrame } = parseSubscription(subscription ?? '^')
      let unsubscribedFrame = Infinity
      const watched = new Observable(subscriber => {
        subscriber.add(() => (unsubscribedFrame = time.frame))
        return observable.subscribe(subscriber)
      })
      const expectation = kit.expectObservable(watched, subscription)
      let expected: (Pick<ExecutedLane, 'marbles'> & Pick<ExecutedStream, 'values'>) | undefined
      recorder.add(() => {
        if (expected === undefined) return undefined
        const { marbles, values } = expected
        return {
          kind: 'expectObservable',
          lanes: [{ marbles, windows: [{ subscribedFrame, unsubscribedFrame }] }],
          values,
        }
      })
      return {
        toBe(diagram, values, error) {
          expectation.toBe(diagram, values, error)
          // Told only when it was met: then what was expected is what was seen.
          expected = { marbles: parseMarbles(diagram), values: texts(values, error) }
        },
      }
    },
  }
}

/** Text of the values that letters stand for, and of the error. */
function texts(values: MarbleValues<unknown> | undefined, error: unknown): ExecutedStream['values'] {
  const named = Object.entries(values ?? {}).filter(([letter, value]) => letter !== value)
  if (error !== undefined) named.push(['#', error])
  return Object.fromEntries(named.map(([letter, value]) => [letter, valueText(value)]))
}
