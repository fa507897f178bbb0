import type { ClientTask, ConsumeReport, Style, TearDownReport } from './load-client.js'
import type { ServerReport } from './load-server.js'
import { forkPinned, type PinnedProgram } from './pinned.js'

/**
 * Garbage is collected early, as far as Node lets us say so: growth is to tell what is kept, and 10 s of items that nobody
 * has collected yet are 10 MB and more.
 */
const FLAGS = ['--max-semi-space-size=2']

/** A client and a server of `Load` in processes of their own, and perhaps a gateway between them. */
export interface LoadPath {
  /** Streams between client and server. */
  readonly hops: number
  /** Consumes for `ms`. */
  consume(style: Style, ms: number): Promise<Consumed>
  /** Unsubscribes a stream some times, and measures round trips beside it. */
  tearDown(times: number): Promise<TornDown>
  /** Ends the processes. */
  end(): void
}

/** What the processes tell of consuming. */
export interface Consumed {
  readonly server: ServerReport
  readonly client: ConsumeReport
  /** Growth of the gateway's memory, where there is one. */
  readonly gatewayMb: number | undefined
}

/** What the processes tell of tearing down. */
export interface TornDown extends TearDownReport {
  /** When the source was torn down, each time. */
  readonly tornDown: readonly number[]
}

/** Starts the processes; all use the same item window. */
export async function loadPath(through: 'direct' | 'gateway', window: number): Promise<LoadPath> {
  const size = String(window)
  const server = forkPinned('./load-server.js', [size], { core: 1, flags: FLAGS })
  const programs: PinnedProgram[] = [server]
  let address = String(await server.message())
  let gateway: PinnedProgram | undefined
  if (through === 'gateway') {
    gateway = forkPinned('./load-gateway.js', [address, size], { core: 1, flags: FLAGS })
    programs.push(gateway)
    address = String(await gateway.message())
  }
  const client = forkPinned('./load-client.js', [address, size], { core: 0, flags: FLAGS })
  programs.push(client)
  await client.message()

  const ask = (task: ClientTask): Promise<unknown> => client.ask(task)
  return {
    hops: programs.length - 1,
    async consume(style, ms) {
      await Promise.all([server.ask('watch'), gateway?.ask('watch')])
      const consumed = (await ask({ task: 'consume', style, ms })) as ConsumeReport
      return {
        client: consumed,
        server: (await server.ask('report')) as ServerReport,
        gatewayMb: (await gateway?.ask('report')) as number | undefined,
      }
    },
    async tearDown(times) {
      await server.ask('watch')
      const report = (await ask({ task: 'tearDown', times })) as TearDownReport
      const { tornDown } = (await server.ask('report')) as ServerReport
      return { ...report, tornDown }
    },
    end() {
      for (const program of programs) program.end()
    },
  }
}
