import { seededRuntime } from 'millrace/core'
import { memoryTransport, type MemoryFaults, type MemoryLinkState, type Socket } from 'millrace/transport'
import { map, Observable, of, Subject, timer, VirtualTimeScheduler } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { testTransport } from 'millrace/testing/compliance'
import { connect, sendNumber, upTo } from '../compliance/transport-probe.js'
import { countingRuntime } from '../support/counting-runtime.js'

for (const latencyMs of [0, 2]) {
  testTransport(
    { describe, it },
    {
      name: `memoryTransport with ${latencyMs} ms of latency`,
      setup: () => {
        const runtime = countingRuntime()
        return {
          transport: memoryTransport({ runtime, latencyMs, connectTimeoutMs: 600_000 }),
          anyAddress: 'memory:',
          deadAddress: 'memory:nobody',
          invalidAddresses: ['', 'nobody', 'tcp:1', '127.0.0.1:80'],
          openResources: () => runtime.openTimers,
        }
      },
    },
  )
}

describe('memoryTransport', () => {
  it('has no timer while a connection is open', async () => {
    const runtime = countingRuntime()
    const { dialing, listening } = await connect(memoryTransport({ runtime }), 'memory:', 5000)

    expect(runtime.openTimers).toBe(0)
    dialing.unsubscribe()
    listening.unsubscribe()
  })

  it('chooses an address for the default of services', async () => {
    const { client, dialing, listening } = await connect(memoryTransport(), ':0', 5000)

    expect(client.remote).toMatch(/^memory:./)
    dialing.unsubscribe()
    listening.unsubscribe()
  })

  it('names every option that is wrong', () => {
    const options: object = { latencyMs: -1, highWaterMarkBytes: 0, jitter: 3 }

    expect(() => memoryTransport(options)).toThrow(/latencyMs.*highWaterMarkBytes.*jitter/)
    expect(() => memoryTransport({ faults: { frames: 1 } as object })).toThrow(/frames: no such option/)
  })
})

describe('memoryTransport in virtual time', () => {
  it('delivers after the latency', () => {
    const world = virtualWorld({ latencyMs: 10 })

    world.at(30, () => sendNumber(world.client(), 7))
    world.at(35, () => sendNumber(world.client(), 8))
    world.run()

    expect(world.log).toEqual(['0 listening', '10 accepted', '20 open', '40 frame 7', '45 frame 8'])
  })

  it('delays frames without reordering them', () => {
    const world = virtualWorld({ faults: { frame: ({ index }) => (index === 0 ? 50 : 0) } })

    world.at(10, () => upTo(3).forEach(number => sendNumber(world.client(), number)))
    world.run()

    expect(world.log.slice(3)).toEqual(['60 frame 0', '60 frame 1', '60 frame 2'])
  })

  it('runs the same for the same seed', () => {
    const first = randomRun(1)
    const again = randomRun(1)
    const other = randomRun(2)

    expect(again).toEqual(first)
    expect(other).not.toEqual(first)
  })

  it('cuts the connection at a frame', () => {
    const world = virtualWorld({ faults: { frame: ({ index }) => (index === 2 ? 'lost' : 0) } })

    for (const number of upTo(4)) world.at(10 + number, () => world.note(`send ${sendNumber(world.client(), number)}`))
    world.run()

    expect(world.log.slice(3)).toEqual([
      '10 send true',
      '10 frame 0',
      '11 send true',
      '11 frame 1',
      '12 send false',
      '12 client connection_lost',
      '12 server connection_lost',
      '13 send false',
    ])
  })

  it('cuts the connection at a time', () => {
    const world = virtualWorld({}, scheduler => ({
      link: () => timer(15, scheduler).pipe(map((): MemoryLinkState => 'lost')),
    }))
    world.run()

    expect(world.log.slice(3)).toEqual(['15 client connection_lost', '15 server connection_lost'])
  })

  it('tells nobody that a link is frozen', () => {
    const weather = new Subject<MemoryLinkState>()
    const world = virtualWorld({ faults: { link: () => weather } })

    world.at(10, () => weather.next('frozen'))
    world.at(11, () => sendNumber(world.client(), 1))
    world.at(12, () => world.client().close())
    world.at(1000, () => weather.next('up'))
    world.run()

    expect(world.log.slice(3)).toEqual(['12 client completed', '1000 frame 1', '1000 server completed'])
  })

  it('refuses a dial over a lost link', () => {
    const world = virtualWorld({ faults: { link: () => of('lost' as const) } })
    world.run()

    expect(world.log).toEqual(['0 listening', '0 dial connect_failed'])
  })

  it('gives up a dial over a frozen link', () => {
    const world = virtualWorld({ connectTimeoutMs: 300, faults: { link: () => of('frozen' as const) } })
    world.run()

    expect(world.log).toEqual(['0 listening', '300 dial connect_failed'])
  })

  it('fails the peer of a connection aborted with frames unsent', () => {
    const world = virtualWorld({ latencyMs: 10 })

    world.at(30, () => {
      sendNumber(world.client(), 1)
      world.hangUp()
    })
    world.run()

    expect(world.log.slice(3)).toEqual(['30 client completed', '40 server connection_lost'])
  })

  it('watches a link until both ends have ended', () => {
    const { link, watchers } = watchedLinks()
    const world = virtualWorld({ faults: { link } })

    world.at(10, () => world.note(`watched by ${watchers()}`))
    world.at(11, () => world.client().close())
    world.run()

    expect(world.log).toContain('10 watched by 1')
    expect(watchers()).toBe(0)
  })

  it('watches no link where nobody listens', () => {
    const { link, watchers } = watchedLinks()
    const scheduler = new VirtualTimeScheduler()
    const network = memoryTransport({ runtime: seededRuntime({ scheduler, seed: 1 }), faults: { link } })
    const reasons: string[] = []

    network.dial('memory:nobody').subscribe({ error: error => reasons.push(reasonOf(error)) })
    scheduler.flush()

    expect(reasons).toEqual(['connect_failed'])
    expect(watchers()).toBe(0)
  })
})

interface World {
  readonly log: string[]
  note(what: string): void
  at(ms: number, task: () => void): void
  client(): Socket
  hangUp(): void
  run(): void
}

/** A listener and a client of it on a virtual clock, with a log of what they see. */
function virtualWorld(
  options: { latencyMs?: number; connectTimeoutMs?: number; faults?: MemoryFaults },
  faultsOn?: (scheduler: VirtualTimeScheduler, random: () => number) => MemoryFaults,
  seed = 1,
): World {
  const scheduler = new VirtualTimeScheduler()
  const runtime = seededRuntime({ scheduler, seed })
  const faults = faultsOn?.(scheduler, () => runtime.random())
  const network = memoryTransport({ runtime, ...options, ...(faults && { faults }) })
  const log: string[] = []
  const note = (what: string): void => void log.push(`${scheduler.now()} ${what}`)
  let client: Socket | undefined
  network.listen('memory:server').subscribe(({ sockets }) => {
    note('listening')
    sockets.subscribe(socket => {
      note('accepted')
      watch(socket, 'server', note)
    })
  })
  const dialing = network.dial('memory:server').subscribe({
    next: socket => {
      note('open')
      client = socket
      watch(socket, 'client', note)
    },
    error: error => {
      if (client === undefined) note(`dial ${reasonOf(error)}`)
    },
  })
  return {
    log,
    note,
    at: (ms, task) => void scheduler.schedule(task, ms),
    client: () => {
      if (client === undefined) throw new Error('the client has not connected yet')
      return client
    },
    hangUp: () => dialing.unsubscribe(),
    run: () => scheduler.flush(),
  }
}

function watch(socket: Socket, name: string, note: (what: string) => void): void {
  socket.inbound.subscribe({
    next: ({ bytes, start }) => note(`frame ${new DataView(bytes.buffer, bytes.byteOffset + start).getUint32(0)}`),
    complete: () => note(`${name} completed`),
    error: error => note(`${name} ${reasonOf(error)}`),
  })
}

function reasonOf(error: unknown): string {
  return (error as { reason: string }).reason
}

/** Links that never change, and how many of them are watched. */
function watchedLinks(): { link: () => Observable<MemoryLinkState>; watchers: () => number } {
  let watchers = 0
  const state = new Observable<MemoryLinkState>(() => {
    watchers++
    return () => void watchers--
  })
  return { link: () => state, watchers: () => watchers }
}

/** The log of twenty frames that each take a random time. */
function randomRun(seed: number): string[] {
  const world = virtualWorld({}, (_scheduler, random) => ({ frame: () => random() * 10 }), seed)
  for (const number of upTo(20)) world.at(10 + number * 3, () => sendNumber(world.client(), number))
  world.run()
  return world.log
}
