import { silentLog } from 'millrace/core'
import type { Binding, Connection } from 'millrace/protocol'
import { rsocket } from 'millrace/protocol/rsocket'
import type { Transport } from 'millrace/transport'
import { tcp } from 'millrace/transport/tcp'
import { websocket } from 'millrace/transport/websocket'
import { firstValueFrom, Subject, switchMap, timeout } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { Conversation, heardInFull, type Transcript } from '../support/conversation.js'
import { CuttingProxy, type Cut } from '../support/cutting-proxy.js'

/** `npm run test:faults` cuts at each byte; here, samples have to do. */
const STEP = Number(process.env['RESUME_CUT_EVERY'] ?? 83)

interface Carrier {
  readonly transport: Transport
  /** Put before host and port. */
  readonly scheme: string
  /** Bytes that go each way before the first frame. */
  readonly handshakeBytes: number
}

const carriers: { readonly [name: string]: Carrier } = {
  tcp: { transport: tcp(), scheme: '', handshakeBytes: 0 },
  websocket: { transport: websocket(), scheme: 'ws://', handshakeBytes: 400 },
}

interface Outcome {
  readonly heard: Transcript
  readonly forwarded: { readonly server: number; readonly client: number }
}

/** Holds a conversation through a proxy that cuts connections. */
async function conversing({ transport, scheme }: Carrier, cuts: readonly Cut[]): Promise<Outcome> {
  const protocol = rsocket(transport, { resume: {}, fragmentBytes: 128, window: 4, log: silentLog })
  const conversation = new Conversation()
  const bindings = new Subject<Binding>()
  const bound = firstValueFrom(bindings)
  const listening = protocol.listen(`${scheme}127.0.0.1:0`, remote => conversation.server(remote)).subscribe(bindings)
  const { address } = await bound
  const proxy = new CuttingProxy(Number(/:(\d+)\/?$/.exec(address)?.[1]), cuts)
  const connection$ = protocol.connect(`${scheme}${await proxy.listen()}`, { serve: conversation.client() })
  const heard$ = connection$.pipe(
    switchMap((connection: Connection) => conversation.over(connection)),
    timeout(10_000),
  )
  try {
    return { heard: await firstValueFrom(heard$), forwarded: proxy.forwarded }
  } finally {
    listening.unsubscribe()
    await proxy.close()
  }
}

/** Holds a conversation for each of `all` cuts, some at a time, and gives those in which something went wrong. */
async function wrongOnes(carrier: Carrier, all: readonly (readonly Cut[])[]): Promise<unknown[]> {
  const wrong: unknown[] = []
  const left = [...all]
  const worker = async (): Promise<void> => {
    for (let cuts = left.pop(); cuts !== undefined; cuts = left.pop()) {
      const heard = await conversing(carrier, cuts).then(
        outcome => outcome.heard,
        (error: unknown) => error,
      )
      try {
        expect(heard).toEqual(heardInFull)
      } catch {
        wrong.push({ cuts, heard })
      }
    }
  }
  await Promise.all(Array.from({ length: 16 }, worker))
  return wrong
}

/** Cuts at places `STEP` bytes apart. */
function cutsOf(toward: Cut['toward'], from: number, to: number): Cut[] {
  return Array.from({ length: Math.ceil((to - from) / STEP) }, (_, index) => ({ toward, bytes: from + index * STEP }))
}

describe.each(Object.entries(carriers))('a session over %s that is cut', (_, carrier) => {
  const { handshakeBytes } = carrier

  it.each(['server', 'client'] as const)(
    'loses, repeats and reorders nothing toward the %s',
    async toward => {
      const { forwarded } = await conversing(carrier, [])

      const wrong = await wrongOnes(
        carrier,
        cutsOf(toward, handshakeBytes, forwarded[toward]).map(cut => [cut]),
      )

      expect(wrong).toEqual([])
    },
    600_000,
  )

  it.each(['server', 'client'] as const)(
    'survives another cut toward the %s while it resumes',
    async toward => {
      const { forwarded } = await conversing(carrier, [])
      const first: Cut = { toward: 'client', bytes: (handshakeBytes + forwarded.client) >>> 1 }

      // Longer than RESUME and RESUME_OK, so frames that are sent again are cut, too.
      const wrong = await wrongOnes(
        carrier,
        cutsOf(toward, 0, handshakeBytes + 300).map(cut => [first, cut, cut]),
      )

      expect(wrong).toEqual([])
    },
    600_000,
  )
})
