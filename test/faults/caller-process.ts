// Makes 100 unary calls and 20 streams that do not end: its arguments are the address and the longest lifetime of a
// silent connection, ms. It tells when they run and how each has ended, and ends by itself, because nothing is left.
import { silentLog, type RpcError } from 'millrace/core'
import { NEVER, type Observable } from 'rxjs'
import { clientOf } from './client-of.js'
import { tell } from './tell.js'
import { Victim } from './victim.js'

const [address = '', maxLifetimeMs] = process.argv.slice(2)
const victim = clientOf(address, silentLog, { maxLifetimeMs: Number(maxLifetimeMs) }).of(Victim)

const ends: string[] = []
const calls: Observable<unknown>[] = [
  ...Array.from({ length: 100 }, () => victim.never()),
  ...Array.from({ length: 10 }, () => victim.ticks()),
  ...Array.from({ length: 10 }, () => victim.both(NEVER)),
]
for (const call of calls) {
  call.subscribe({
    error: ({ code, reason, retry }: RpcError) => {
      ends.push(`${code} ${reason} ${retry.safe}`)
      if (ends.length === calls.length) tell({ ends })
    },
    complete: () => ends.push('complete'),
  })
}
victim.echo(1).subscribe(() => tell({ running: true }))
