import { Observable, Subscriber } from 'rxjs'
import { RingBuffer, type Runtime } from '../core/index.js'
import { hold, redeliver, type Release } from './delivery.js'
import { StallWatch, type StallOptions } from './stalled.js'
import { unfinished } from './unfinished.js'

/** Options of {@link paceByReply}. */
export interface PaceByReplyOptions extends StallOptions {
  /** The endpoint, `words.tally`; named by the `stalled` event. */
  readonly name: string
  /** Time for the `stalled` event. */
  readonly runtime: Runtime
}

/**
 * Paces the requests of a behaviour by its replies, for behaviours that answer every request with one reply: the k-th
 * reply to be consumed, in whatever order the replies come, lets go of the k-th request.
 *
 * ```
 * requests    abc|
 * work of a   --x|             concatMap: b and c wait
 * replies     --a--b--c|
 * consumed    --a--b--c
 * ```
 * So any operator may stand inside: `concatMap`, `delay` and `mergeMap` with asynchronous work are paced, although they
 * buffer. Surplus replies let go of nothing.
 *
 * - When the replies end, the requests without a reply are let go of: plainly after completion, as not processed after
 *   an error or when unsubscribed.
 * - Operators that suppress replies (`filter`, `switchMap`, `debounceTime`) do not belong inside: when requests are held
 *   and no reply comes for `stalledAfterMs`, `onStalled` is told.
 *
 * ```ts
 * const tally = paceByReply<string, number>(concatMap(line => countWords(line)), { name: 'words.tally', runtime })
 * ```
 * @param behaviour makes the replies of the requests
 */
export function paceByReply<A, B>(
  behaviour: (requests$: Observable<A>) => Observable<B>,
  options: PaceByReplyOptions,
): (requests$: Observable<A>) => Observable<B> {
  return requests$ =>
    new Observable(subscriber => {
      const held = new HeldRequests(new StallWatch(options.name, options, options.runtime))
      const heldRequests$ = new Observable<A>(requests => {
        requests$.subscribe(new RequestSubscriber(requests, held))
      })
      behaviour(heldRequests$).subscribe(new ReplySubscriber(subscriber, held))
      // After the subscription, so that no more requests come when those held are let go of.
      subscriber.add(() => held.end(held.outcome === undefined ? unfinished(options.name) : held.outcome.error))
    })
}

class HeldRequests {
  /** Replies that were emitted and are not consumed yet. */
  replies: number
  /** How the replies have ended. */
  outcome: { readonly error: unknown } | undefined
  /** A reply has been consumed. */
  readonly letGo: (error?: unknown) => void
  private readonly releases: RingBuffer<Release>
  private readonly watch: StallWatch

  constructor(watch: StallWatch) {
    this.replies = 0
    this.outcome = undefined
    this.releases = new RingBuffer()
    this.watch = watch
    this.letGo = error => {
      this.replies--
      const release = this.releases.shift()
      if (release === undefined) return
      this.watch.reply()
      release(error)
    }
  }

  add(release: Release | undefined): void {
    if (release === undefined) return
    this.releases.push(release)
    this.watch.request()
  }

  /** Lets go of the requests that no reply on its way will let go of. */
  end(reason: unknown): void {
    this.watch.stop()
    const unanswered: Release[] = []
    while (this.releases.length > this.replies) unanswered.push(this.releases.pop() as Release)
    for (const release of unanswered.toReversed()) release(reason)
  }
}

class RequestSubscriber<A> extends Subscriber<A> {
  private readonly out: Subscriber<A>
  private readonly held: HeldRequests

  constructor(out: Subscriber<A>, held: HeldRequests) {
    super(out)
    this.out = out
    this.held = held
  }

  protected override _next(request: A): void {
    this.held.add(hold())
    this.out.next(request)
  }
}

class ReplySubscriber<B> extends Subscriber<B> {
  private readonly out: Subscriber<B>
  private readonly held: HeldRequests

  constructor(out: Subscriber<B>, held: HeldRequests) {
    super(out)
    this.out = out
    this.held = held
  }

  protected override _next(reply: B): void {
    this.held.replies++
    redeliver(this.out, reply, this.held.letGo)
  }

  protected override _error(error: unknown): void {
    this.held.outcome = { error }
    super._error(error)
  }

  protected override _complete(): void {
    this.held.outcome = { error: undefined }
    super._complete()
  }
}
