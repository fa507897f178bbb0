import { forkPinned } from './pinned.js'
import type { WindowTask } from './window-client.js'

/**
 * Question: how fast is a stream of small records for each item window, and what does the window cost?
 *
 * One server, one client, a connection for each window. Rounds are short and interleaved, and of each window the one
 * counts that a tenth of its rounds beat: others were disturbed, and a record may be luck. Memory is what one stream
 * takes at a client that holds a whole window, records and what goes with them. There is no bar: the default and why are
 * in docs/flow-control.md.
 */
const WINDOWS = [16, 64, 256, 1024, 4096] as const
const DEFAULT = 256
const ROUND_MS = 50
const ROUNDS = 60
const WARM_UP = 10
const HELD_STREAMS = 50

/** Runs the bench. */
export async function window(asJson: boolean): Promise<boolean> {
  const server = forkPinned('./server.js', ['millrace'], { core: 1 })
  const client = forkPinned('./window-client.js', [String(await server.message())], { core: 0 })
  await client.message()
  const ask = async (task: WindowTask): Promise<number> => Number(await client.ask(task))

  const speeds = WINDOWS.map((): number[] => [])
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    for (const [index, window] of WINDOWS.entries()) {
      const speed = await ask({ measure: 'speed', window, ms: ROUND_MS })
      if (round >= 0) speeds[index]?.push(speed)
    }
  }
  const bytes: number[] = []
  await ask({ measure: 'memory', window: 64, streams: HELD_STREAMS }) // warms up
  for (const window of WINDOWS) bytes.push(await ask({ measure: 'memory', window, streams: HELD_STREAMS }))
  client.end()
  server.end()

  const ofDefault = undisturbed(speeds[WINDOWS.indexOf(DEFAULT)] ?? [])
  const rows = WINDOWS.map((window, index) => {
    const perSecond = undisturbed(speeds[index] ?? [])
    return { window, perSecond, ratio: Math.round((perSecond / ofDefault) * 100) / 100, bytesHeld: bytes[index] ?? 0 }
  })
  if (asJson) console.log(JSON.stringify(rows))
  else console.table(rows)
  return true
}

function undisturbed(speeds: readonly number[]): number {
  return speeds.toSorted((left, right) => right - left)[Math.floor(speeds.length / 10)] ?? 0
}
