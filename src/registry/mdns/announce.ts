import {
  concat,
  connect,
  defer,
  distinctUntilChanged,
  EMPTY,
  endWith,
  filter,
  from,
  ignoreElements,
  map,
  merge,
  mergeMap,
  Observable,
  of,
  repeat,
  switchMap,
  takeUntil,
  throttleTime,
  timer,
} from 'rxjs'
import type { Runtime } from '../../core/index.js'
import type { Instance, Registration } from '../registry.js'
import type { LinkState } from './link.js'
import type { PacketLink } from './packet.js'
import { answerTo, nodeRecord, type Answer, type NodeRecord, type RecordContext } from './record.js'

/** What announcing needs. */
export interface AnnounceContext extends RecordContext {
  /** Time and chance. */
  readonly runtime: Runtime
  /** The group, as `keptOpen` keeps it. */
  readonly link$: Observable<LinkState>
}

/** When an announcement is said again, in case the first was lost (RFC 6762, 8.3), ms. */
const SECOND_ANNOUNCEMENT_MS = 1000

/** Least time between two answers with one packet: a hundred watchers that start together cost few packets, ms. */
const ANSWER_EVERY_MS = 50

/**
 * Announces the instances of `instance$` one after the other, answers questions about the present one, says it again
 * three times in its time to live, and says goodbye when `instance$` ends or the subscription does.
 */
export function announce(instance$: Observable<Instance>, context: AnnounceContext): Observable<Registration> {
  return new Observable(subscriber => {
    let told: Told | undefined
    const goodbye$ = defer(() => {
      const last = told
      told = undefined
      return last === undefined ? EMPTY : last.link.send(last.record.goodbye)
    })
    const present = (record: NodeRecord): Observable<Registration> => {
      const { instance } = record
      const renamed = told !== undefined && told.record.name !== record.name
      const announced$ = context.link$.pipe(
        switchMap(state => {
          if ('down' in state) return of<Registration>({ instance, lost: state.down }) // announced again when it is up
          told = { record, link: state.up }
          return maintained(record, state.up, context).pipe(map((): Registration => ({ instance })))
        }),
        distinctUntilChanged((last, next) => last.lost === next.lost), // however often it is said again
      )
      return renamed ? concat(goodbye$, announced$) : announced$
    }
    const registration$ = instance$.pipe(
      map(instance => nodeRecord(instance, context)),
      connect(record$ => record$.pipe(switchMap(present), takeUntil(record$.pipe(ignoreElements(), endWith(true))))),
    )
    // The link is held until the goodbye is on its way, which is after every other user of it here is gone.
    const link = context.link$.subscribe()
    const subscription = concat(registration$, goodbye$).subscribe({
      next: registration => subscriber.next(registration),
      error: error => subscriber.error(error),
      complete: () => subscriber.complete(),
    })
    return () => {
      subscription.unsubscribe()
      goodbye$.subscribe()
      link.unsubscribe()
    }
  })
}

/** The record that others have, and over which link they got it. */
interface Told {
  readonly record: NodeRecord
  readonly link: PacketLink
}

/** Announces one record, keeps it alive and answers with it; emits once, when it has been announced. */
function maintained(record: NodeRecord, link: PacketLink, context: AnnounceContext): Observable<true> {
  const { runtime, ttlMs } = context
  const say = (what: Answer): Observable<never> => link.send(record[what])
  const later$ = concat(
    timer(SECOND_ANNOUNCEMENT_MS, runtime.scheduler),
    // Jitter keeps services that were started together from speaking together for ever.
    defer(() => timer((ttlMs / 3) * (1 - runtime.random() / 4), runtime.scheduler)).pipe(repeat()),
  )
  return merge(
    concat(say('announcement'), of(true as const)),
    answersToAskers(record, link, context),
    later$.pipe(mergeMap(() => say('announcement'))),
    questions(record, link, context, 'announcement').pipe(mergeMap(say)),
    questions(record, link, context, 'listing').pipe(mergeMap(say)),
  )
}

/** Answers those who ask outside of the group, each alone: they hear nothing else. */
function answersToAskers(record: NodeRecord, link: PacketLink, { domain }: AnnounceContext): Observable<never> {
  return link.packets$.pipe(
    mergeMap(packet => {
      if (packet.type !== 'query' || packet.asker === undefined) return EMPTY
      const { asker, questions } = packet
      const wanted = new Set(questions.map(question => answerTo(record, question, domain)))
      return from(wanted).pipe(mergeMap(what => (what === undefined ? EMPTY : link.send(record[what], asker))))
    }),
  )
}

/** Emits when someone has asked for `what` and it has not just been said. */
function questions(
  record: NodeRecord,
  link: PacketLink,
  { runtime, domain }: AnnounceContext,
  what: Answer,
): Observable<Answer> {
  return link.packets$.pipe(
    filter(
      packet => packet.type === 'query' && packet.questions.some(asked => answerTo(record, asked, domain) === what),
    ),
    map(() => what),
    throttleTime(ANSWER_EVERY_MS, runtime.scheduler, { leading: true, trailing: true }),
  )
}
