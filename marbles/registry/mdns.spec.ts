import { silentLog, type Log, type Runtime } from 'millrace/core'
import type { Instance, Registry } from 'millrace/registry'
import { marbles } from 'millrace/testing'
import {
  asyncScheduler,
  concat,
  defer,
  delay,
  filter,
  ignoreElements,
  map,
  NEVER,
  type Observable,
  of,
  Subject,
  take,
  tap,
  throwError,
  timer,
} from 'rxjs'
import { describe, it } from 'vitest'
import { packetRegistry } from '../../src/registry/mdns/packet-registry.js'
import type { DnsPacket, DnsRecord, PacketPort } from '../../src/registry/mdns/packet.js'
import { nodeRecord } from '../../src/registry/mdns/record.js'
import { skippedRecords } from '../../src/registry/skipped-records.js'
import { instanceOf } from '../../test/compliance/registry-probe.js'
import { PacketGroup } from '../../test/registry/packet-group.js'
import { pictures, standings } from '../../test/registry/pictures.js'

const WORDS = instanceOf('words', 'a')

/** A registry in virtual time; `chance` 0 makes what has a jitter come at its latest. */
function registryOn(port: PacketPort, runtime: Runtime, { chance = 0, log = silentLog }: RegistryOn = {}): Registry {
  const fixed = { ...runtime, random: () => chance }
  const skipped = skippedRecords('mdns', log, fixed)
  const context = { domain: 'micro', hostname: 'host', ttlMs: 30_000, collectMs: 250, runtime: fixed, log, skipped }
  return packetRegistry(port, context)
}

interface RegistryOn {
  readonly chance?: number
  readonly log?: Log
}

/** Registers one instance for as long as it is subscribed; emits nothing. */
const registered = (registry: Registry, instance: Instance = WORDS): Observable<never> =>
  registry.register(concat(of(instance), NEVER)).pipe(ignoreElements())

/** What `name` sends: `q` a question, `n` one about a node, `a` an announcement or answer, `l` a listing, `g` a goodbye. */
const saidBy = (group: PacketGroup, name: string): Observable<string> =>
  group.sent$.pipe(
    filter(({ from }) => from === name),
    map(({ packet }) => letterOf(packet)),
  )

/** What a node of go-micro says, which says it only once. */
function announced(ttlMs: number): DnsPacket {
  return nodeRecord(WORDS, { domain: 'micro', hostname: 'host', ttlMs }).announcement
}

function letterOf(packet: DnsPacket): string {
  if (packet.type === 'query') return packet.questions[0]?.type === 'ANY' ? 'n' : 'q'
  const [first] = packet.answers
  if (first?.ttl === 0) return 'g'
  return first?.name === '_services.micro' ? 'l' : 'a'
}

describe('mdns watch', () => {
  it('asks at once, soon again, then twice a minute', () => {
    marbles(({ expectObservable, runtime }) => {
      const group = new PacketGroup()
      const watch$ = registryOn(group.port('watcher'), runtime).watch('words')

      expectObservable(saidBy(group, 'watcher'), '^ 65s !').toBe('q 99ms q 299ms q 999ms q 29999ms q 29999ms q')
      expectObservable(pictures(watch$), '       ^ 65s !').toBe('250ms e')
    })
  })

  it('shows the first answer at once', () => {
    marbles(({ expectObservable, runtime }) => {
      const group = new PacketGroup()
      const server$ = registered(registryOn(group.port('server'), runtime))
      const watch$ = registryOn(group.port('watcher'), runtime).watch('words')

      expectObservable(server$, '                    ^ 2s !').toBe('-')
      expectObservable(saidBy(group, 'server'), '    -----^ 499ms !').toBe('----- -a 99ms a 299ms a')
      expectObservable(pictures(watch$), '           -----^ 499ms !').toBe('-----  --o')
    })
  })

  it('finds a node although its first question is lost', () => {
    marbles(({ expectObservable, runtime }) => {
      let questions = 0
      const group = new PacketGroup(({ type }) => type === 'query' && questions++ === 0)
      const server$ = registered(registryOn(group.port('server'), runtime))
      const watch$ = registryOn(group.port('watcher'), runtime).watch('words')

      expectObservable(server$, '          ^ 2s !').toBe('-')
      expectObservable(pictures(watch$), ' -----^ 499ms !').toBe('----- 100ms --o')
    })
  })

  it('asks for each service as soon as it is listed', () => {
    marbles(({ expectObservable, runtime }) => {
      const group = new PacketGroup()
      const server$ = registered(registryOn(group.port('server'), runtime))
      const watch$ = registryOn(group.port('watcher'), runtime).watch()

      expectObservable(server$, '                   ^ 2s !').toBe('-')
      expectObservable(saidBy(group, 'watcher'), '  -----^ 50ms !').toBe('-----q-q')
      expectObservable(saidBy(group, 'server'), '   -----^ 50ms !').toBe('------l-a')
      expectObservable(pictures(watch$), '          -----^ 50ms !').toBe('---------o')
    })
  })

  it('drops a node at its goodbye', () => {
    marbles(({ expectObservable, runtime }) => {
      const group = new PacketGroup()
      const server$ = registered(registryOn(group.port('server'), runtime))
      const watch$ = registryOn(group.port('watcher'), runtime).watch('words')

      expectObservable(server$, '          ^ 499ms !').toBe('-')
      expectObservable(pictures(watch$), ' ^ 2s !').toBe('  -o 499ms e')
    })
  })

  it('drops a silent node after its time to live', () => {
    marbles(({ expectObservable, runtime }) => {
      const group = new PacketGroup(packet => letterOf(packet) === 'g')
      const server$ = registered(registryOn(group.port('server'), runtime))
      const watch$ = registryOn(group.port('watcher'), runtime).watch('words')

      expectObservable(server$, '          ^ 1499ms !').toBe('-')
      // Last heard at 1402 ms, in answer to the question of 1400 ms.
      expectObservable(pictures(watch$), ' ^ 200s !').toBe(' -o 31400ms e')
    })
  })

  it('keeps a node that announces itself, whoever asks', () => {
    marbles(({ expectObservable, runtime }) => {
      const group = new PacketGroup(({ type }) => type === 'query')
      const server$ = registered(registryOn(group.port('server'), runtime))
      const watch$ = registryOn(group.port('watcher'), runtime).watch('words')

      expectObservable(server$, '          ^ 55m !').toBe('-')
      expectObservable(pictures(watch$), ' ^ 50m !').toBe('-o')
    })
  })

  it('asks a silent node four times before dropping it', () => {
    marbles(({ expectObservable, runtime }) => {
      const group = new PacketGroup()
      const watch$ = registryOn(group.port('watcher'), runtime).watch('words')
      const doubt$ = saidBy(group, 'watcher').pipe(filter(letter => letter === 'n'))
      asyncScheduler.schedule(() => group.say(announced(120_000)), 10)

      // Asked at 80, 85, 90 and 95 % of two minutes.
      expectObservable(doubt$, '         ^ 130s !').toBe('96010ms n 5999ms n 5999ms n 5999ms n')
      expectObservable(pictures(watch$), '^ 130s !').toBe('10ms o 119999ms e')
    })
  })

  it('keeps a node that answers only questions by name', () => {
    marbles(({ expectObservable, runtime }) => {
      const named = (packet: DnsPacket): boolean => letterOf(packet) === 'n'
      const group = new PacketGroup(packet => packet.type === 'query' && !named(packet))
      const watch$ = registryOn(group.port('watcher'), runtime).watch('words')
      asyncScheduler.schedule(() => group.say(announced(120_000)), 10)
      const answer$ = group.sent$.pipe(
        filter(({ packet }) => named(packet)),
        delay(20, runtime.scheduler),
        tap(() => group.say(announced(120_000))),
        ignoreElements(),
      )

      expectObservable(answer$, '         ^ 20m !').toBe('-')
      expectObservable(pictures(watch$), '^ 20m !').toBe('10ms o')
    })
  })

  it('believes nobody for longer than 75 minutes', () => {
    const forEver = (record: DnsRecord): DnsRecord => ({ ...record, ttl: 0x7fff_ffff })
    marbles(
      ({ expectObservable, runtime }) => {
        const group = new PacketGroup()
        const announcement = announced(120_000)
        const answers = announcement.type === 'response' ? announcement.answers.map(forEver) : []
        const watch$ = registryOn(group.port('watcher'), runtime).watch('words')
        asyncScheduler.schedule(() => group.say({ type: 'response', answers }), 10)

        expectObservable(pictures(watch$), '^ 80m !').toBe('10ms o 4499999ms e')
      },
      { maxMs: 5_000_000 },
    )
  })

  it('asks once for all watchers of a name', () => {
    marbles(({ expectObservable, runtime }) => {
      const group = new PacketGroup()
      const watch$ = registryOn(group.port('watcher'), runtime).watch('words')

      expectObservable(saidBy(group, 'watcher'), '^ 1s !').toBe('q 99ms q 299ms q')
      expectObservable(pictures(watch$), '        ^ 1s !').toBe('250ms e')
      expectObservable(pictures(watch$), '        -^ 1s !').toBe('250ms e')
      expectObservable(pictures(watch$), '        500ms ^ 500ms !').toBe('500ms e')
    })
  })

  it('keeps a node during an outage, and drops it after', () => {
    marbles(({ expectObservable, runtime }) => {
      const group = new PacketGroup()
      const server$ = registered(registryOn(group.port('server'), runtime))
      const watch$ = registryOn(group.port('watcher'), runtime).watch('words')
      asyncScheduler.schedule(() => group.down$.next(true), 500)
      asyncScheduler.schedule(() => group.down$.next(false), 200_000)

      expectObservable(server$, '          ^ 100s !').toBe('-')
      // Tried again at 212 s, and everyone has had time to answer 250 ms later.
      expectObservable(pictures(watch$), ' ^ 300s !').toBe('-o 498ms O 211749ms e')
    })
  })

  it('trusts what it has when everyone has answered again', () => {
    marbles(({ expectObservable, runtime }) => {
      const group = new PacketGroup()
      const server$ = registered(registryOn(group.port('server'), runtime))
      const watch$ = registryOn(group.port('watcher'), runtime).watch('words')
      asyncScheduler.schedule(() => group.down$.next(true), 500)
      asyncScheduler.schedule(() => group.down$.next(false), 200_000)

      expectObservable(server$, '          ^ 300s !').toBe('-')
      expectObservable(pictures(watch$), ' ^ 300s !').toBe('-o 498ms O 211749ms o')
    })
  })
})

describe('mdns get', () => {
  it('answers when everyone has had time to', () => {
    marbles(({ expectObservable, runtime }) => {
      const group = new PacketGroup()
      const server$ = registered(registryOn(group.port('server'), runtime))
      const get$ = registryOn(group.port('watcher'), runtime).get('words')

      expectObservable(server$, ' ^ 1s !').toBe('-')
      expectObservable(get$.pipe(map(services => String(services.length)))).toBe('250ms (1|)')
    })
  })

  it('answers at once beside a watch', () => {
    marbles(({ expectObservable, runtime }) => {
      const group = new PacketGroup()
      const registry = registryOn(group.port('watcher'), runtime)
      const get$ = registry.get('words').pipe(map(services => String(services.length)))

      expectObservable(registry.watch('words').pipe(ignoreElements()), '^ 1s !').toBe('-')
      expectObservable(get$, '500ms ^').toBe('500ms (0|)')
    })
  })
})

describe('mdns register', () => {
  it('announces again three times in its time to live', () => {
    marbles(({ expectObservable, runtime }) => {
      const group = new PacketGroup()
      const server$ = registered(registryOn(group.port('server'), runtime))

      expectObservable(saidBy(group, 'server'), '^ 60s !').toBe('a 999ms a 9999ms a 9999ms a 4s g')
      expectObservable(server$, '                ^ 25s !').toBe('-')
    })
  })

  it('announces earlier by chance', () => {
    marbles(({ expectObservable, runtime }) => {
      const group = new PacketGroup()
      const server$ = registered(registryOn(group.port('server'), runtime, { chance: 0.5 }))

      expectObservable(saidBy(group, 'server'), '^ 10s !').toBe('a 999ms a 8749ms a')
      expectObservable(server$, '                ^ 10s !').toBe('-')
    })
  })

  it('answers a crowd twenty times a second', () => {
    marbles(({ expectObservable, runtime }) => {
      const group = new PacketGroup()
      const server$ = registered(registryOn(group.port('server'), runtime))
      const question: DnsPacket = { type: 'query', questions: [{ name: 'words.micro', type: 'PTR' }] }
      const crowd$ = timer(10, 1).pipe(
        take(91),
        tap(() => group.say(question)),
        ignoreElements(),
      )

      expectObservable(crowd$).toBe('100ms |')
      expectObservable(saidBy(group, 'server'), '^ 500ms !').toBe('a 9ms a 49ms a 49ms a')
      expectObservable(server$, '                ^ 500ms !').toBe('-')
    })
  })

  it('announces once the group can be had', () => {
    marbles(({ expectObservable, runtime }) => {
      const group = new PacketGroup()
      group.down$.next(true)
      asyncScheduler.schedule(() => group.down$.next(false), 600)
      const server = registryOn(group.port('server'), runtime)
      const standing$ = standings(server.register(concat(of(WORDS), NEVER)))

      // Tried at 0, 500 and 1500 ms.
      expectObservable(standing$, '^ 2s !').toBe('l 499ms l 999ms r')
    })
  })

  it('says goodbye before it completes', () => {
    marbles(({ cold, expectObservable, runtime }) => {
      const group = new PacketGroup()
      const instance$ = cold('a-----|', { a: WORDS })
      const server$ = registryOn(group.port('server'), runtime).register(instance$)

      expectObservable(saidBy(group, 'server'), '     ^ 1s !').toBe('a-----g')
      expectObservable(server$.pipe(map(() => 'r'))).toBe('           r-----|')
    })
  })
})

describe('mdns without multicast', () => {
  it('tries again ever later, up to half a minute', () => {
    marbles(({ expectObservable, runtime }) => {
      const tried$ = new Subject<string>()
      const port = defer(() => {
        tried$.next('x')
        return throwError(() => new Error('no such device'))
      })
      const watch$ = registryOn(port, runtime).watch('words')

      expectObservable(tried$, '          ^ 95s !').toBe(
        'x 499ms x 999ms x 1999ms x 3999ms x 7999ms x 15999ms x 29999ms x 29999ms x',
      )
      expectObservable(pictures(watch$), '^ 95s !').toBe('E')
    })
  })

  it('logs one line at failure and one at recovery', () => {
    marbles(({ expectObservable, runtime }) => {
      const group = new PacketGroup()
      const line$ = new Subject<string>()
      const log: Log = ({ event }) => line$.next(event)
      asyncScheduler.schedule(() => group.down$.next(true), 100)
      asyncScheduler.schedule(() => group.down$.next(false), 2000)
      const watch$ = registryOn(group.port('watcher'), runtime, { log }).watch('words')

      expectObservable(line$, '           ^ 10s !').toBe('100ms d 3499ms u', { d: 'mdns.down', u: 'mdns.up' })
      expectObservable(pictures(watch$), '^ 10s !').toBe('100ms E 3749ms e')
    })
  })
})
