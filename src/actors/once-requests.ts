import { Observable } from 'rxjs'
import type { Message } from '../core/index.js'

/** Requests that tell whether anybody has subscribed them: whoever gave them may not be able to give them again. */
export class OnceRequests extends Observable<Message> {
  /** Whether they were subscribed. */
  wereSubscribed: boolean

  constructor(requests$: Observable<Message>) {
    super(subscriber => {
      this.wereSubscribed = true
      return requests$.subscribe(subscriber)
    })
    this.wereSubscribed = false
  }
}
