// A service over TCP, to be treated badly. It tells its address, and what is logged.
import { actor, createServer } from 'millrace/actors'
import type { Log } from 'millrace/core'
import { rsocket } from 'millrace/protocol/rsocket'
import { paced } from 'millrace/streams'
import { tcp } from 'millrace/transport/tcp'
import { finalize, interval, map, NEVER, tap, timer } from 'rxjs'
import { tell } from './tell.js'
import { Victim } from './victim.js'

const log: Log = ({ event, message, fields }) => {
  tell({ log: { event, message, reason: fields?.['reason'], id: fields?.['errorId'] } })
}
const counts = { ticks: 0, items: 0, tornDown: 0 }

function* items(): Generator<number> {
  while (counts.items < 200_000) yield counts.items++
}

const victim = actor(Victim, {
  echo: value => value,
  never: () => NEVER,
  throws: () => {
    throw new TypeError('a secret')
  },
  checked: () => true,
  ticks: () =>
    interval(5).pipe(
      tap(() => counts.ticks++),
      finalize(() => counts.tornDown++),
    ),
  items: () => paced(items()),
  both: requests$ => requests$.pipe(finalize(() => counts.tornDown++)),
  counts: () => ({ ...counts }),
  later: ms => timer(ms).pipe(map(() => ms)),
})

const server = createServer({ actors: [victim], log })
rsocket(tcp({ maxFrameBytes: 1_000_000 }), { log, window: 32, setupTimeoutMs: 300 })
  .listen('127.0.0.1:0', () => server)
  .subscribe(({ address }) => tell({ address }))
// The process that started it may die in any way.
process.stdin.resume().on('end', () => process.exit())
