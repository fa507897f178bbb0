import { Observable, Subscriber } from 'rxjs'
import { RingBuffer, type Runtime } from '../core/index.js'
import { hold, redeliver, type Release } from './delivery.js'
import { StallWatch, type StallOptions } from './stalled.js'

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
 * So any operator may stand inside: `concatMap`, `delay` and `mergeMap` with asynchronous work are paced, although they
 * buffer. Surplus replies let go of nothing, the end of the replies of everything. Operators that suppress replies
 * (`filter`, `switchMap`, `debounceTime`) do not belong inside; when every request is held and no reply comes,
 * `onStalled` is told.
 */
export function paceByReply<A, B>(
  behaviour: (requests$: Observable<A>) => Observable<B>,
  options: PaceByReplyOptions,
): (requests$: Observable<A>) => Observable<B> {
  return requests$ =>
    new Observable(subscriber => {
      const held = new HeldRequests(new StallWatch(options.name, options, options.runtime))
      subscriber.add(() => held.letGoOfAll())
      const heldRequests$ = new Observable<A>(requests => {
        requests$.subscribe(new RequestSubscriber(requests, held))
      })
      behaviour(heldRequests$).subscribe(new ReplySubscriber(subscriber, held))
    })
}

class HeldRequests {
  readonly letGo: (error?: unknown) => void
  private readonly releases: RingBuffer<Release>
  private readonly watch: StallWatch

  constructor(watch: StallWatch) {
    this.releases = new RingBuffer()
    this.watch = watch
    this.letGo = error => {
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

  letGoOfAll(): void {
    this.watch.stop()
    while (this.releases.length > 0) this.letGo()
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
    redeliver(this.out, reply, this.held.letGo)
  }
}
