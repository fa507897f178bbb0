import {
  concatMap,
  defer,
  EMPTY,
  exhaustMap,
  finalize,
  interval,
  map,
  merge,
  type Observable,
  of,
  retry,
  switchMap,
  throwError,
  timer,
} from 'rxjs'
import { RpcError, type Runtime } from '../../core/index.js'
import { answerTo, numberOf, objectOf, question } from './jetstream-answer.js'
import { isMissing } from './jetstream-errors.js'
import type { JetStreamLink } from './jetstream-link.js'

/** How long the turn of a member lasts that is not heard of, ms: the age at which its claim goes. */
export const TURN_MS = 10_000
/** How often whose turn it is says so, and how often the others look, ms. */
const RENEW_MS = 3000
const LOOK_MS = 1000

/** Who has the turn after one that has ended in good order. */
const NOBODY = ''
const encoder = new TextEncoder()

/** Whose turn is taken. */
export interface TurnOptions {
  /** Stream of claims, which forgets them after {@link TURN_MS}. */
  readonly stream: string
  /** Where the claims of the members are published. */
  readonly subject: string
  /** Who asks for it: what it has claimed over another link is its own. */
  readonly member: string
  /** Time and chance. */
  readonly runtime: Runtime
}

/** A turn that has come. */
export interface Turn {
  /** Whether the member before has said that it is done; when it has not, it may have died with messages in hand. */
  readonly isHandedOver: boolean
}

interface Claim {
  readonly sequence: number
  readonly member: string
}

/**
 * Waits until it is our turn, emits it once, and keeps it while it is subscribed. Fails with ABORTED (reason
 * `log_moved_on`) when it was lost, because nothing was heard of us for {@link TURN_MS}.
 *
 * A claim is a message that the stream takes only from who knows the one before; it goes when nobody renews it.
 */
export function exclusiveTurn(
  link: JetStreamLink,
  { stream, subject, member, runtime }: TurnOptions,
): Observable<Turn> {
  const { scheduler } = runtime

  const current$: Observable<Claim | undefined> = defer(() =>
    link.request({
      subject: `$JS.API.STREAM.MSG.GET.${stream}`,
      payload: question({ last_by_subj: subject }),
      read: answer => {
        try {
          const message = objectOf(answerTo('the claim of a turn', answer)['message'])
          const holder = typeof message['data'] === 'string' ? atob(message['data']) : NOBODY
          return { sequence: numberOf(message['seq']), member: holder }
        } catch (thrown) {
          if (RpcError.is(thrown) && isMissing(thrown)) return undefined
          throw thrown
        }
      },
    }),
  )

  const claim = (after: number, holder = member): Observable<number> =>
    link.request({
      subject,
      payload: encoder.encode(holder),
      headers: [['Nats-Expected-Last-Subject-Sequence', String(after)]],
      read: answer => numberOf(answerTo('the claim of a turn', answer)['seq']),
    })

  const taken$ = current$.pipe(
    switchMap(current => {
      if (current !== undefined && current.member !== NOBODY && current.member !== member) {
        return throwError(() => notYet)
      }
      return claim(current?.sequence ?? 0).pipe(
        map(sequence => ({ sequence, isHandedOver: current?.member === NOBODY })),
      )
    }),
    retry({
      delay: (error: RpcError) =>
        error.code === 'ABORTED' ? timer(LOOK_MS * (1 + runtime.random()), scheduler) : throwError(() => error),
    }),
  )

  return taken$.pipe(
    switchMap(({ sequence, isHandedOver }) => {
      let last = sequence
      const renewed$ = interval(RENEW_MS, scheduler).pipe(
        exhaustMap(() => claim(last)),
        concatMap(next => {
          last = next
          return EMPTY
        }),
      )
      const end = (): void => {
        claim(last, NOBODY).subscribe({ error: () => {} }) // it ends by itself
      }
      return merge(of({ isHandedOver }), renewed$).pipe(finalize(end))
    }),
  )
}

const notYet = new RpcError('ABORTED', 'it is the turn of another member', { reason: 'log_moved_on' })
