import {
  concat,
  concatMap,
  defer,
  filter,
  from,
  map,
  merge,
  mergeMap,
  type Observable,
  of,
  repeat,
  switchMap,
  tap,
  timer,
} from 'rxjs'
import type { RpcError, Runtime } from '../../core/index.js'
import type { Snapshot } from '../registry.js'
import type { SkippedRecords } from '../skipped-records.js'
import { found, type Found } from './found.js'
import type { LinkState } from './link.js'
import type { DnsPacket, DnsQuestion, PacketLink } from './packet.js'
import { LIST } from './record.js'

/** What browsing needs. */
export interface BrowseContext {
  /** Domain of the group. */
  readonly domain: string
  /** How long answers are collected before what is there counts as all there is, ms. */
  readonly collectMs: number
  /** Time and chance. */
  readonly runtime: Runtime
  /** Where records are told of that cannot be read. */
  readonly skipped: SkippedRecords
  /** The group, as `keptOpen` keeps it. */
  readonly link$: Observable<LinkState>
}

/** A snapshot and what it is worth. */
export interface View {
  /** What is known. */
  readonly snapshot: Snapshot
  /** True when everyone has had time to answer. */
  readonly settled: boolean
  /** Why nobody can answer now. */
  readonly down?: RpcError
}

/** When questions are asked again, ms after the one before; a lost packet heals. Afterwards every `ASK_EVERY_MS`. */
const ASK_AGAIN_MS = [0, 100, 300, 1000]
const ASK_EVERY_MS = 30_000

/** How often at least it is looked who has been silent for too long, ms. */
const SWEEP_MS = 1000

/** Most questions in one packet: of names of 430 bytes, 20 stay below the limit of a packet. */
const MAX_QUESTIONS = 20

/** Asks for the nodes of one service, or of all, and tells what it finds each time that changes. Never completes. */
export function browse(context: BrowseContext, service?: string): Observable<View> {
  return defer(() => {
    const { domain, runtime, skipped, link$ } = context
    const nodes = found(domain, skipped, service)
    const state = { settled: false, stale: false, asOf: -Infinity }
    const view = (down?: RpcError): View => {
      const listing = nodes.listing()
      const services = service === undefined ? listing.all : listing.named(service)
      const { settled, stale, asOf } = state
      return { snapshot: { services, asOf, stale }, settled, ...(down !== undefined && { down }) }
    }
    const offline = (down: RpcError): Observable<View> => {
      state.settled = false
      state.stale = true
      return of(view(down))
    }
    const online = (link: PacketLink): Observable<View> =>
      merge(changes(nodes, link, context), settling(context), asking(nodes, link, context, service)).pipe(
        tap(event => {
          const now = runtime.scheduler.now()
          if (event === 'settled') {
            nodes.expire(now) // who is alive has answered by now, after an outage too
            state.settled = true
            state.stale = false
          }
          if (!state.stale) state.asOf = now
        }),
        map(() => view()),
      )
    return link$.pipe(switchMap(link => ('down' in link ? offline(link.down) : online(link.up))))
  })
}

/** Emits when a packet or the passing of time has changed what is found. */
function changes(nodes: Found, link: PacketLink, { runtime, collectMs }: BrowseContext): Observable<'changed'> {
  const { scheduler } = runtime
  const sweepMs = (): number => Math.max(0, Math.min(nodes.nextExpiry() - scheduler.now(), SWEEP_MS))
  const heard$ = link.packets$.pipe(
    filter(packet => packet.type === 'response' && nodes.hear(packet.answers, scheduler.now())),
  )
  // Not before everyone has had time to answer: during an outage nobody was heard.
  const expired$ = timer(collectMs, scheduler).pipe(
    concatMap(() => defer(() => timer(sweepMs(), scheduler)).pipe(repeat())),
    filter(() => nodes.expire(scheduler.now())),
  )
  return merge(heard$, expired$).pipe(map(() => 'changed' as const))
}

/** Emits once, when everyone has had time to answer. */
function settling({ runtime, collectMs }: BrowseContext): Observable<'settled'> {
  return timer(collectMs, runtime.scheduler).pipe(map(() => 'settled' as const))
}

/**
 * Asks, again and again; emits nothing. Who asks for everything also asks for each name as soon as it is learnt, and a
 * node that falls silent is asked by name, so that one whose announcements are lost, or which makes none, stays.
 */
function asking(
  nodes: Found,
  link: PacketLink,
  { domain, runtime }: BrowseContext,
  service: string | undefined,
): Observable<never> {
  const { scheduler } = runtime
  const send = (questions: readonly DnsQuestion[]): Observable<never> =>
    from(queries(questions)).pipe(mergeMap(query => link.send(query)))
  const ask = (names: readonly string[]): Observable<never> =>
    send(names.map(name => ({ name: `${name}.${domain}`, type: 'PTR' })))
  const known = (): readonly string[] => [...(service === undefined ? [LIST] : []), ...nodes.services]
  const times$ = concat(
    from(ASK_AGAIN_MS).pipe(concatMap(ms => timer(ms, scheduler))),
    defer(() => timer(ASK_EVERY_MS * (1 - runtime.random() / 4), scheduler)).pipe(repeat()),
  )
  const doubtMs = (): number => Math.max(0, Math.min(nodes.nextDoubt() - scheduler.now(), SWEEP_MS))
  const doubts$ = defer(() => timer(doubtMs(), scheduler)).pipe(repeat())
  return merge(
    times$.pipe(mergeMap(() => ask(known()))),
    nodes.learnt$.pipe(mergeMap(name => ask([name]))),
    doubts$.pipe(mergeMap(() => send(nodes.doubtful(scheduler.now()).map(name => ({ name, type: 'ANY' }))))),
  )
}

/** Questions in as few packets as fit. */
function queries(questions: readonly DnsQuestion[]): readonly DnsPacket[] {
  const packets: DnsPacket[] = []
  for (let start = 0; start < questions.length; start += MAX_QUESTIONS) {
    packets.push({ type: 'query', questions: questions.slice(start, start + MAX_QUESTIONS) })
  }
  return packets
}
