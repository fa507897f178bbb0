// Registers one node over mDNS on loopback: `node registered-process.mjs DOMAIN NAME ID`. Says `registered`, says
// goodbye when its input ends, and ends by itself when that has been sent. It is believed for two seconds.
import { mdns } from 'millrace/registry/mdns'
import { BehaviorSubject } from 'rxjs'

const [domain = '', name = '', id = ''] = process.argv.slice(2)
const node = { id, address: `127.0.0.1:${process.pid % 60_000 || 1}`, metadata: {} }
const instance$ = new BehaviorSubject({ name, version: '1.0.0', metadata: {}, endpoints: [], node })

mdns({ domain, loopbackOnly: true, ttlMs: 2000 })
  .register(instance$)
  .subscribe({ next: () => process.stdout.write('registered\n'), complete: () => process.stdout.write('gone\n') })
process.stdin.resume().on('end', () => instance$.complete())
