import { Observable } from 'rxjs'
import type { Service, Snapshot } from '../../../registry/index.js'
import type { Invariant } from '../observed.js'

/** Options of {@link watchesMissNothing}. */
export interface WatchesMissNothingOptions {
  /**
   * How long a picture that is not stale may lack what the registry knows, or show what it does not, ms: what a watch
   * takes to notice that it is cut off, to list again, and to give up on who is missing. @default 10_000
   */
  readonly withinMs?: number
}

interface Watch {
  readonly process: string
  readonly life: number
  readonly name: string | undefined
  last: Snapshot
  /** Since when it is neither stale nor as the registry is, ms. */
  wrongSince: number | undefined
}

/**
 * No watch has a gap: a picture is never emptied by going stale, and one that is not stale becomes what the registry
 * knows, in time, whatever happened between.
 */
export function watchesMissNothing({ withinMs = 10_000 }: WatchesMissNothingOptions = {}): Invariant {
  return {
    name: 'watches miss nothing',
    violations: world =>
      new Observable(subscriber => {
        const watches = new Map<number, Watch>()
        const judge = (watch: Watch, known: Snapshot): void => {
          const { process, life, name, last, wrongSince } = watch
          const isRight = last.stale || !world.isLive(process, life) || sameNodes(last, known, name)
          watch.wrongSince = isRight ? undefined : (wrongSince ?? world.now())
          if (wrongSince === undefined || isRight || world.now() - wrongSince <= withinMs) return
          watch.wrongSince = world.now() // told once
          subscriber.next(
            `${process} sees ${textOf(last, name)} of ${name ?? 'everything'}, not ${textOf(known, name)}`,
          )
        }
        const judgeAll = (): void => {
          const known = world.registered()
          for (const watch of watches.values()) judge(watch, known)
        }
        subscriber.add(
          world.registry$.subscribe(({ process, life, watch: id, watching, snapshot, unwatched }) => {
            if (id === undefined) return
            const watch = watches.get(id)
            if (unwatched === true) watches.delete(id)
            if (snapshot === undefined) return
            if (watch === undefined) {
              watches.set(id, { process, life, name: watching, last: snapshot, wrongSince: undefined })
              return
            }
            if (snapshot.stale && !watch.last.stale && !sameNodes(watch.last, snapshot, watching)) {
              subscriber.next(`${process} has lost sight of ${watching ?? 'everything'} by a failure`)
            }
            watch.last = snapshot
            judgeAll()
          }),
        )
        subscriber.add(world.registered$.subscribe(judgeAll))
        subscriber.add(world.end$.subscribe(judgeAll))
      }),
  }
}

function sameNodes(left: Snapshot, right: Snapshot, name: string | undefined): boolean {
  return textOf(left, name) === textOf(right, name)
}

function textOf({ services }: Snapshot, name: string | undefined): string {
  const known = services.filter((service: Service) => name === undefined || service.name === name)
  return (
    known
      .flatMap(service => service.nodes.map(({ id }) => id))
      .toSorted()
      .join(' ') || 'nobody'
  )
}
