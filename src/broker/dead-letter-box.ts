import { Observable, Subject } from 'rxjs'
import type { Log, Runtime } from '../core/index.js'
import { letterMatcher, resolveReplay } from './dead-letter-filter.js'
import type { DeadLetter, DeadLetterFilter, DeadLetters, ReplayOptions } from './dead-letters.js'

/** What a box is made of. */
export interface DeadLetterBoxOptions {
  /** Time and ids. */
  readonly runtime: Runtime
  /** Hears of letters that there was no room for. */
  readonly log: Log
  /** Most letters that are kept; then the oldest goes. */
  readonly maxDeadLetters: number
}

/** What is known of a letter before it has been put into a box. */
export type NewDeadLetter = Omit<DeadLetter, 'id' | 'deadAt'>

interface Kept {
  readonly letter: DeadLetter
  readonly replay: () => boolean
}

/** The dead letters of a broker that keeps them in this process. */
export class DeadLetterBox implements DeadLetters {
  readonly added$: Observable<DeadLetter>
  private readonly options: DeadLetterBoxOptions
  private readonly added: Subject<DeadLetter>
  /** By id, the oldest first. */
  private readonly kept: Map<string, Kept>

  constructor(options: DeadLetterBoxOptions) {
    this.options = options
    this.added = new Subject()
    this.added$ = this.added.asObservable()
    this.kept = new Map()
  }

  /** Keeps a letter; `replay` delivers its message again, or says that there is nobody to deliver it to. */
  add(letter: NewDeadLetter, replay: () => boolean): void {
    const { runtime, maxDeadLetters } = this.options
    const dead: DeadLetter = { ...letter, id: runtime.id(), deadAt: runtime.scheduler.now() }
    this.kept.set(dead.id, { letter: dead, replay })
    if (this.kept.size > maxDeadLetters) this.forgetOldest()
    this.added.next(dead)
  }

  list(filter?: DeadLetterFilter): Observable<DeadLetter> {
    return this.eachOf(
      () => letterMatcher(filter),
      Infinity,
      () => true,
    )
  }

  replay(options?: ReplayOptions): Observable<DeadLetter> {
    return new Observable(subscriber => {
      const { matches, max } = resolveReplay(options)
      const replayed$ = this.eachOf(
        () => matches,
        max,
        ({ letter, replay }) => replay() && this.kept.delete(letter.id),
      )
      return replayed$.subscribe(subscriber)
    })
  }

  drop(filter?: DeadLetterFilter): Observable<DeadLetter> {
    return this.eachOf(
      () => letterMatcher(filter),
      Infinity,
      ({ letter }) => this.kept.delete(letter.id),
    )
  }

  /** At most `max` of the letters that there are now and for which `take` says yes. */
  private eachOf(
    matching: () => (letter: DeadLetter) => boolean,
    max: number,
    take: (kept: Kept) => boolean,
  ): Observable<DeadLetter> {
    return new Observable(subscriber => {
      const matches = matching()
      let taken = 0
      for (const kept of [...this.kept.values()]) {
        if (subscriber.closed || taken >= max) break
        if (!this.kept.has(kept.letter.id) || !matches(kept.letter) || !take(kept)) continue
        taken++
        subscriber.next(kept.letter)
      }
      subscriber.complete()
    })
  }

  private forgetOldest(): void {
    const [oldest] = this.kept.values()
    if (oldest === undefined) return
    const { id, messageId, topic, error } = oldest.letter
    this.kept.delete(id)
    this.options.log({
      level: 'warn',
      event: 'broker.dead_letter_dropped',
      message: `message ${messageId} of ${topic} is dropped: ${this.options.maxDeadLetters} later ones are dead letters too; it had failed with ${error.message}`,
      fields: { id: messageId, topic },
    })
  }
}
