import { loadPath } from './load-path.js'
import { median, mostAhead } from './moments.js'

/**
 * Question: how far does a producer of 1 KiB items, as fast as they come, run ahead of a consumer of 1000 a second in
 * another process, and how soon does it hear that nobody listens any more?
 *
 * Once over one connection, once through a gateway process. Every process writes down when things happen, on the clock
 * that they share, so that what was ahead at the worst moment is known exactly. One teardown on a busy machine says
 * little: streams that the same consumer holds back are unsubscribed one after the other, a round trip over the same
 * connections is measured before each, alone like it, and the medians are compared.
 */
const WINDOW = 256
const CONSUME_MS = 10_000
const TEARDOWNS = 101
const MOST_GROWTH_MB = 16

/** What one way of streaming did. */
export interface Figures {
  /** Most items taken from the source and not yet consumed, over all hops. */
  readonly producedAhead: number
  /** Items that may be on their way, each hop. */
  readonly window: number
  /** Peak of the resident memory, less what it was after 2 s. */
  readonly growthMb: { readonly producer: number; readonly consumer: number; readonly gateway?: number }
  /** From unsubscribing at the consumer to the teardown of the source. */
  readonly teardownMs: number
  /** A unary call over the same connections and back. */
  readonly roundTripMs: number
}

/** Runs the bench; gives false when a bar is missed. */
export async function slowConsumer(asJson: boolean): Promise<boolean> {
  const direct = await figuresOf('direct')
  const gateway = await figuresOf('gateway')
  if (asJson) console.log(JSON.stringify({ direct, gateway }))
  else console.table({ direct: flat(direct), gateway: flat(gateway) })
  return isWithin(direct, 1) && isWithin(gateway, 2)
}

async function figuresOf(through: 'direct' | 'gateway'): Promise<Figures> {
  const path = await loadPath(through, WINDOW)
  const { server, client, gatewayMb } = await path.consume('pacedMap', CONSUME_MS)
  await path.tearDown(TEARDOWNS) // calls have been made before, too
  const { unsubscribed, tornDown, roundTripsMs } = await path.tearDown(TEARDOWNS)
  path.end()
  if (tornDown.length !== TEARDOWNS) throw new Error(`${tornDown.length} of ${TEARDOWNS} streams were torn down`)
  return {
    producedAhead: mostAhead(server.taken, client.consumed),
    window: WINDOW,
    growthMb: {
      producer: rounded(server.growthMb),
      consumer: rounded(client.growthMb),
      ...(gatewayMb === undefined ? {} : { gateway: rounded(gatewayMb) }),
    },
    teardownMs: rounded(median(tornDown.map((at, index) => at - (unsubscribed[index] ?? 0)))),
    roundTripMs: rounded(median(roundTripsMs)),
  }
}

function isWithin({ producedAhead, window, growthMb, teardownMs, roundTripMs }: Figures, hops: number): boolean {
  return (
    producedAhead <= window * hops &&
    Object.values(growthMb).every(mb => mb < MOST_GROWTH_MB) &&
    teardownMs <= roundTripMs
  )
}

function flat({ growthMb, ...figures }: Figures): object {
  return { ...figures, ...Object.fromEntries(Object.entries(growthMb).map(([name, mb]) => [`${name} MB`, mb])) }
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}
