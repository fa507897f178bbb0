import { Observable, type Subscription } from 'rxjs'
import type { JetStreamLink } from './jetstream-link.js'

/** A session, with the link there is at hand while anybody keeps it. */
export class KeptSession {
  /** The link there is; `undefined` when there is none, or nobody keeps the session. */
  current: JetStreamLink | undefined
  private readonly session$: Observable<JetStreamLink | undefined>
  private users: number
  private lifeline: Subscription | undefined

  constructor(session$: Observable<JetStreamLink | undefined>) {
    this.current = undefined
    this.session$ = session$
    this.users = 0
    this.lifeline = undefined
  }

  /** Keeps the session until {@link release}. */
  keep(): void {
    this.users++
    if (this.lifeline !== undefined) return
    const ended = (): void => {
      this.current = undefined
      this.lifeline = undefined
    }
    const lifeline = this.session$.subscribe({ next: link => (this.current = link), error: ended })
    if (!lifeline.closed) this.lifeline = lifeline
  }

  /** Lets go of it once. */
  release(): void {
    if (--this.users > 0) return
    this.current = undefined
    this.lifeline?.unsubscribe()
    this.lifeline = undefined
  }

  /** Keeps it while it is subscribed. */
  readonly open$: Observable<never> = new Observable(() => {
    this.keep()
    return () => this.release()
  })
}
