// Makes 100 unary calls and 20 streams that do not end: `node caller-process.mjs ADDRESS MAX_LIFETIME_MS`. It tells when
// they run and how each has ended, and then ends by itself, because nothing is left to wait for.
import { contract, createClient, duplex, serverStream, unary } from 'millrace/actors'
import { rsocket } from 'millrace/protocol/rsocket'
import { memoryRegistry } from 'millrace/registry'
import { tcp } from 'millrace/transport/tcp'
import { BehaviorSubject, NEVER } from 'rxjs'

const [address, maxLifetimeMs] = process.argv.slice(2)
const Victim = contract('victim', { never: unary(), ticks: serverStream(), both: duplex(), echo: unary() })
const registry = memoryRegistry()
const node = { id: 'victim-1', address, metadata: { protocol: 'rsocket', transport: 'tcp' } }
registry
  .register(new BehaviorSubject({ name: 'victim', version: '0.0.0', metadata: {}, endpoints: [], node }))
  .subscribe()
const log = () => {}
const client = createClient({ protocol: rsocket(tcp(), { maxLifetimeMs: Number(maxLifetimeMs), log }), registry, log })
const victim = client.of(Victim)

const tell = line => process.stdout.write(`${JSON.stringify(line)}\n`)
const ends = []
const calls = [
  ...Array.from({ length: 100 }, () => victim.never()),
  ...Array.from({ length: 10 }, () => victim.ticks()),
  ...Array.from({ length: 10 }, () => victim.both(NEVER)),
]
for (const call of calls) {
  call.subscribe({
    error: ({ code, reason, retry }) => {
      ends.push(`${code} ${reason} ${retry.safe}`)
      if (ends.length === calls.length) tell({ ends })
    },
    complete: () => ends.push('complete'),
  })
}
victim.echo(1).subscribe(() => tell({ running: true }))
