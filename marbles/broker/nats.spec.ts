import { natsBroker, type NatsBrokerOptions } from 'millrace/broker/nats'
import { messageOf, RpcError, silentLog, type Runtime } from 'millrace/core'
import { type MarbleKit, marbles } from 'millrace/testing'
import type { NatsLink, NatsMessage } from 'millrace/transport/nats'
import { catchError, filter, map, mergeMap, NEVER, type Observable, of, ReplaySubject, tap } from 'rxjs'
import { describe, it } from 'vitest'

const lost = new RpcError('UNAVAILABLE', 'the link is lost', { reason: 'connection_lost' })
const denied = new RpcError('UNAUTHENTICATED', 'we are not known', { reason: 'nats_unauthenticated' })

/** A link whose server confirms after `answerMs`, and sends every message back to whoever has subscribed. */
class ScriptedLink implements NatsLink {
  readonly server = 'scripted'
  readonly maxPayloadBytes = 1000
  readonly version = '0'
  readonly hasJetStream = false
  readonly lost$ = NEVER
  ended = false
  private readonly runtime: Runtime
  private readonly answerMs: number
  private readonly confirming: Set<(error?: RpcError) => void>
  private readonly subscribers: Set<(message: NatsMessage) => void>

  constructor(runtime: Runtime, answerMs: number) {
    this.runtime = runtime
    this.answerMs = answerMs
    this.confirming = new Set()
    this.subscribers = new Set()
  }

  publish(subject: string, data: Uint8Array): void {
    if (this.ended) throw lost
    for (const subscriber of this.subscribers) this.runtime.scheduler.schedule(() => subscriber({ subject, data }), 1)
  }

  confirm(done: (error?: RpcError) => void): void {
    this.confirming.add(done)
    this.runtime.scheduler.schedule(() => {
      if (this.confirming.delete(done)) done()
    }, this.answerMs)
  }

  subscribe(_subject: string, onMessage: (message: NatsMessage) => void): () => void {
    this.subscribers.add(onMessage)
    return () => void this.subscribers.delete(onMessage)
  }

  inbox(): string {
    return '_INBOX.scripted'
  }

  end(): void {
    this.ended = true
    const confirming = [...this.confirming]
    this.confirming.clear()
    for (const done of confirming) done(lost)
  }
}

interface Script extends MarbleKit {
  /** Publishes the letters of `diagram`, and gives those that the server has confirmed, or the first letter of a reason. */
  readonly publish: (diagram: string) => Observable<string>
  readonly events: () => Observable<string>
}

/**
 * A broker whose links are those of a diagram: `L` a link, `u` none any more, `x` one that has ended and is not known to
 * have, `#` that there will be none.
 */
function script(
  links: string,
  options: NatsBrokerOptions & { readonly answerMs?: number },
  spec: (script: Script) => void,
): void {
  const { answerMs = 2, ...given } = options
  marbles(kit => {
    let current: ScriptedLink | undefined
    const link$ = new ReplaySubject<NatsLink | undefined>(1)
    link$.next(undefined)
    kit
      .hot(links, undefined, denied)
      .pipe(
        tap(letter => {
          if (letter === 'u') current?.end()
          if (letter === 'x' && current !== undefined) current.ended = true
          if (letter !== 'x') current = letter === 'L' ? new ScriptedLink(kit.runtime, answerMs) : undefined
        }),
        filter(letter => letter !== 'x'),
        map(() => current),
      )
      .subscribe(link$)
    const broker = natsBroker(
      { link$, status$: of({ state: 'disconnected' } as const) },
      { runtime: kit.runtime, log: silentLog, ...given },
    )
    const reasons: Readonly<Record<string, string>> = {
      connection_lost: 'l',
      not_connected: 'n',
      not_confirmed: 'c',
      queue_full: 'q',
      nats_unauthenticated: 'u',
    }
    spec({
      ...kit,
      publish: diagram =>
        kit.hot(diagram).pipe(
          mergeMap(body =>
            broker.publish('t', messageOf(body)).pipe(
              map(() => body),
              catchError((error: RpcError) => of(reasons[error.reason] ?? error.reason)),
            ),
          ),
        ),
      events: () => broker.subscribe('t').pipe(map(({ message }) => String(message.body))),
    })
  })
}

describe('natsBroker', () => {
  it('completes publish when the server has confirmed', () => {
    script('L', {}, ({ publish, expectObservable }) => {
      expectObservable(publish('-a-b--|')).toBe('---a-b|')
    })
  })

  it('sends what waited, in order, over the first link', () => {
    script('-----L', {}, ({ publish, events, expectObservable }) => {
      expectObservable(publish('ab-c--------|')).toBe('-------(abc)|')
      expectObservable(events(), '^-------!').toBe('------(abc)')
    })
  })

  it('says that nothing was sent when no link comes', () => {
    script('-', { publishTimeoutMs: 5 }, ({ publish, expectObservable }) => {
      expectObservable(publish('a-b------|')).toBe('-----n-n-|')
    })
  })

  it('refuses more than may wait', () => {
    script('-----L', { maxWaitingPublishes: 2 }, ({ publish, expectObservable }) => {
      expectObservable(publish('abc--------|')).toBe('--q----(ab)|')
    })
  })

  it('refuses everything when nothing may wait', () => {
    script('-L', { maxWaitingPublishes: 0 }, ({ publish, expectObservable }) => {
      expectObservable(publish('a-b--|')).toBe('n---b|')
    })
  })

  it('says that it may have arrived when its link ends', () => {
    script('L--u-L', {}, ({ publish, expectObservable }) => {
      expectObservable(publish('a-bc-----|')).toBe('--al---c-|')
    })
  })

  it('keeps a message that a dead link does not take', () => {
    script('L-x-u-L', {}, ({ publish, expectObservable }) => {
      expectObservable(publish('---a-----|')).toBe('--------a|')
    })
  })

  it('says that it may have arrived at a silent server', () => {
    script('L', { publishTimeoutMs: 5, answerMs: 7 }, ({ publish, expectObservable }) => {
      expectObservable(publish('a-b------|')).toBe('-----c-c-|')
    })
  })

  it('fails what waits when there will be no link', () => {
    script('---#', {}, ({ publish, events, expectObservable }) => {
      expectObservable(publish('ab------|')).toBe('---(uu)-|')
      expectObservable(events()).toBe('---#', {}, { code: 'UNAUTHENTICATED', reason: 'nats_unauthenticated' })
    })
  })

  it('subscribes again at every link', () => {
    script('L---u-L', {}, ({ publish, events, expectObservable }) => {
      expectObservable(publish('a------b---|')).toBe('--a------b-|')
      expectObservable(events(), '^----------!').toBe('-a------b')
    })
  })
})
