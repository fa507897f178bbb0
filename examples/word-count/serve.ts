import { type Actor, consoleLog, createService } from 'millrace'
import { rsocket } from 'millrace/protocol/rsocket'
import { mdns } from 'millrace/registry/mdns'
import { tcp } from 'millrace/transport/tcp'
import { fromEvent, take } from 'rxjs'
import { PeakRss } from './peak-rss.js'
import { serviceName, WINDOW } from './settings.js'

/** Longest that a process lives on after its parent has gone, ms. */
const LAST_MS = 200

/**
 * Runs one service of the job as this process, under the name for the run whose id is the one argument.
 * It lives as long as its parent holds the other end of the channel that `fork` made, however the parent ends.
 */
export function serve(actor: Actor): void {
  const [, , run = ''] = process.argv
  // Ctrl-C goes to every process of the terminal's group; the parent decides what becomes of it.
  process.on('SIGINT', () => {})
  if (!process.connected) process.exit() // the parent has gone while this module was being loaded
  const parentGone$ = fromEvent(process, 'disconnect').pipe(take(1))
  parentGone$.subscribe(() => setTimeout(() => process.exit(), LAST_MS).unref())

  const service = createService({
    actors: [actor],
    name: serviceName(actor.contract.name, run),
    protocol: rsocket(tcp(), { window: WINDOW }),
    registry: mdns({ loopbackOnly: true }),
    address: '127.0.0.1:0',
    signals: [],
    drainMs: LAST_MS / 2,
    // What is cut off once the parent has gone is meant to be: on Ctrl-C nobody wants to read of it.
    log: event => process.connected && consoleLog(event),
  })
  let memory: PeakRss | undefined
  service.run({ stop: parentGone$ }).subscribe(({ state }) => {
    if (state === 'registered') memory ??= new PeakRss()
  })
  process.on('message', () => process.send?.(memory?.growthMb() ?? 0))
}
