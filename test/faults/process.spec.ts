import { connect, type Socket } from 'node:net'
import { contract, unary, type Client } from 'millrace/actors'
import { silentLog, type LogEvent, type RpcError } from 'millrace/core'
import { pacedMap } from 'millrace/streams'
import { firstValueFrom, map, Subject, take, timer } from 'rxjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Child } from '../support/child.js'
import { eventually } from '../support/deadline.js'
import { record } from '../support/recording.js'
import { clientOf } from './client-of.js'
import { NewerVictim, Victim } from './victim.js'

const service = 'test/faults/service-process.ts'
const caller = 'test/faults/caller-process.ts'

interface Bench {
  readonly child: Child
  readonly address: string
  readonly client: Client
  /** What our side has logged. */
  readonly log: LogEvent[]
}

async function start(): Promise<Bench> {
  const child = new Child(service)
  const address = String(await child.tells('address'))
  const log: LogEvent[] = []
  const client = clientOf(address, event => log.push(event), { window: 32 })
  return { child, address, client, log }
}

describe.concurrent('a caller whose server', () => {
  it('is killed hears so in every call, and ends', async () => {
    const server = new Child(service)
    const calls = new Child(caller, [String(await server.tells('address')), '30000'])
    await calls.tells('running')

    server.signal('SIGKILL')

    expect(new Set((await calls.tells('ends')) as string[])).toEqual(new Set(['UNAVAILABLE connection_lost false']))
    await calls.ends()
  })

  it('is frozen hears so within the lifetime, and ends', async () => {
    const server = new Child(service)
    const calls = new Child(caller, [String(await server.tells('address')), '500'])
    await calls.tells('running')

    server.signal('SIGSTOP')

    try {
      expect(new Set((await calls.tells('ends')) as string[])).toEqual(new Set(['UNAVAILABLE connection_lost false']))
      await calls.ends()
    } finally {
      server.signal('SIGKILL')
    }
  })

  it('goes on after its callers were killed', async () => {
    const { child, address, client } = await start()
    const calls = new Child(caller, [address, '30000'])
    await calls.tells('running')
    const { counts } = client.of(Victim)

    calls.signal('SIGKILL')

    let tornDown = 0
    const asked = timer(0, 20)
      .pipe(pacedMap(() => counts(), { concurrency: 1 }))
      .subscribe(now => (tornDown = now.tornDown))
    await eventually(() => tornDown === 20, 8000, 'the teardown of 20 streams')
    asked.unsubscribe()
    client.close()
    child.signal('SIGKILL')
  })
})

describe('a service', () => {
  let bench: Bench

  beforeAll(async () => {
    bench = await start()
  })

  afterAll(() => {
    bench.client.close()
    bench.child.signal('SIGKILL')
  })

  const bad: { readonly [what: string]: readonly [(socket: Socket) => void, string] } = {
    'bytes of another protocol': [socket => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), 'frame_too_large'],
    'bytes that mean nothing': [
      socket => socket.write(Buffer.from('000008ffffffffffffffff', 'hex')),
      'malformed_frame',
    ],
    'a frame longer than the limit': [
      socket => socket.write(Buffer.from('ffffff000000000400', 'hex')),
      'frame_too_large',
    ],
    'a frame cut off by the end': [socket => socket.end(Buffer.from('000050000000000400', 'hex')), 'connection_lost'],
    'no frame at all': [() => {}, 'setup_timeout'],
    'a first frame that is no SETUP': [
      socket => socket.write(Buffer.from('000006000000012400', 'hex')),
      'invalid_setup',
    ],
  }

  it.each(Object.entries(bad))('goes on after %s and logs it', async (_, [write, reason]) => {
    const { address, child, client } = bench
    const [, port] = address.split(':')
    const socket = connect({ port: Number(port) })
    const logged = (): number =>
      child.told.filter(({ log }) => (log as { readonly reason?: string } | undefined)?.reason === reason).length
    const before = logged()

    socket.on('error', () => {}).resume()
    write(socket)

    await eventually(() => logged() > before, 5000, reason)
    await eventually(() => socket.closed || socket.readableEnded, 5000, 'the end of the socket')
    expect(await client.of(Victim).promise.echo('still here')).toBe('still here')
    socket.destroy()
  })

  it('that nobody knows is refused at once', async () => {
    const nobody = bench.client.of(contract('nobody', { echo: unary() }))

    const reply = record(nobody.echo())

    await eventually(() => reply.error !== undefined, 5000, 'the refusal')
    expect(reply.error).toMatchObject({ code: 'UNAVAILABLE', reason: 'no_endpoint' })
  })

  it('names its endpoints to whoever calls another', async () => {
    const reply = record(bench.client.of(NewerVictim).gone())

    await eventually(() => reply.error !== undefined, 5000, 'the refusal')
    expect(reply.error).toMatchObject({ code: 'UNIMPLEMENTED', reason: 'unknown_endpoint' })
    expect(reply.error?.rawMessage).toContain('both, checked, counts, echo, items, later, never, throws, ticks')
  })

  it('names the field that its schema refuses', async () => {
    const reply = record(bench.client.of(Victim).checked({ user: { age: 'old' as never } }))

    await eventually(() => reply.error !== undefined, 5000, 'the refusal')
    expect(reply.error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_request' })
    expect(reply.error?.rawMessage).toContain('user.age')
  })

  it('whose handler throws logs the id that callers log', async () => {
    const reply = record(bench.client.of(Victim).throws())

    await eventually(() => reply.error !== undefined, 5000, 'the failure')
    const { code, details, message } = reply.error as RpcError
    const { errorId } = details as { readonly errorId: string }
    const theirs = bench.child.told.filter(({ log }) => (log as { readonly id?: string } | undefined)?.id === errorId)
    const ours = bench.log.filter(event => event.message.includes(errorId))
    expect([code, theirs.length, ours.length]).toEqual(['INTERNAL', 1, 1])
    expect(message).not.toContain('secret')
  })
})

describe('a slow or leaving consumer of another process', () => {
  let bench: Bench

  beforeAll(async () => {
    bench = await start()
  })

  afterAll(() => {
    bench.client.close()
    bench.child.signal('SIGKILL')
  })

  it('tears the producer down within one round trip', async () => {
    const victim = bench.client.of(Victim)
    await firstValueFrom(victim.ticks().pipe(take(10), map(Number)))

    const first = await victim.promise.counts()
    await victim.promise.later(60)
    const second = await victim.promise.counts()

    expect(first.tornDown).toBe(1)
    expect(second.ticks).toBe(first.ticks)
  })

  it('tears the producer down when its connection drops', async () => {
    const victim = bench.client.of(Victim)
    const before = await victim.promise.counts()
    const other = clientOf(bench.address, silentLog)
    const ticks = record(other.of(Victim).ticks())
    await eventually(() => ticks.values.length > 2, 5000, 'ticks')

    other.close()
    ticks.subscription.unsubscribe()

    let tornDown = 0
    const asked = timer(0, 10)
      .pipe(pacedMap(() => victim.counts(), { concurrency: 1 }))
      .subscribe(now => (tornDown = now.tornDown))
    await eventually(() => tornDown > before.tornDown, 5000, 'the teardown')
    asked.unsubscribe()
  })

  it('slows the producer down to its own pace', async () => {
    const victim = bench.client.of(Victim)
    const read$ = new Subject<number>()
    let read = 0
    const enough = firstValueFrom(read$.pipe(take(1)))
    const reading = victim
      .items()
      .pipe(pacedMap(item => timer(10).pipe(map(() => item)), { concurrency: 1 }))
      .subscribe(item => {
        read++
        if (item === 40) read$.next(item)
      })

    await enough
    const { items } = await victim.promise.counts()
    const readByThen = read
    reading.unsubscribe()

    expect(items).toBeGreaterThanOrEqual(40)
    expect(items).toBeLessThanOrEqual(readByThen + 32 + 1)
  })
})
